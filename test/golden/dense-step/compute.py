"""Makes expected.safetensors: maps and gradients of a tiny dense backbone, by the autograd of PyTorch 1.13.

    python3 compute.py

The forward pass is the published one in its slow form: every patch stays in the sequence, and what is dropped is
masked (DyVM, arXiv 2504.04787, sections 3.2, 3.3 and 4.3; Vim, arXiv 2401.09417; Mamba, arXiv 2312.00752). Decisions
are straight-through Gumbel ones with recorded draws. The loss is the maps times fixed numbers, and a share of the
policies and of the block decisions.
"""
import json
import math
import pathlib
import struct

import numpy
import torch
import torch.nn.functional as F

IMAGE, PATCH, DIM, DEPTH, STATES, WIDTH, RANK = 32, 8, 12, 4, 3, 4, 2
STAGES, TAPS, IMAGES = [1, 3], [0, 1, 2, 3], 2
GRID = IMAGE // PATCH
PATCHES, INNER = GRID * GRID, 2 * DIM
POLICY_SHARE, GATE_SHARE = 0.03, 0.02

torch.set_default_dtype(torch.float64)
random = numpy.random.RandomState(20261130)


def drawn(*shape, scale=1.0):
    """Normal numbers that fp32 holds exactly."""
    values = numpy.asarray(scale * random.standard_normal(shape), dtype=numpy.float32)
    return torch.tensor(values.astype(numpy.float64))


def shapes():
    yield 'pos_embed', (1, PATCHES, DIM)
    yield 'patch_embed.proj.weight', (DIM, 3, PATCH, PATCH)
    yield 'patch_embed.proj.bias', (DIM,)
    for layer in range(DEPTH):
        mixer = f'layers.{layer}.mixer.'
        yield f'layers.{layer}.norm.weight', (DIM,)
        yield mixer + 'in_proj.weight', (2 * INNER, DIM)
        yield mixer + 'out_proj.weight', (DIM, INNER)
        for b in ('', '_b'):
            yield mixer + f'conv1d{b}.weight', (INNER, 1, WIDTH)
            yield mixer + f'conv1d{b}.bias', (INNER,)
            yield mixer + f'x_proj{b}.weight', (RANK + 2 * STATES, INNER)
            yield mixer + f'dt_proj{b}.weight', (INNER, RANK)
            yield mixer + f'dt_proj{b}.bias', (INNER,)
            yield mixer + ('A_b_log' if b else 'A_log'), (INNER, STATES)
            yield mixer + f'D{b}', (INNER,)
        yield mixer + 'block_head.weight', (2, 2 * INNER)
        yield mixer + 'block_head.bias', (2,)
    for stage in range(len(STAGES)):
        predictor = f'score_predictors.{stage}.'
        yield predictor + 'in_conv.0.weight', (DIM,)
        yield predictor + 'in_conv.0.bias', (DIM,)
        for name, out, into in (
            ('in_conv.1', DIM, DIM),
            ('out_conv.0', DIM // 2, DIM),
            ('out_conv.2', DIM // 4, DIM // 2),
            ('out_conv.4', 2, DIM // 4),
        ):
            yield predictor + name + '.weight', (out, into)
            yield predictor + name + '.bias', (out,)


def weight(name, shape):
    if name.endswith('_log'):
        return torch.log(torch.arange(1.0, STATES + 1)).float().double().repeat(INNER, 1)
    if name.endswith(('norm.weight', 'in_conv.0.weight', '.D', '.D_b')):
        return 1.0 + drawn(*shape, scale=0.1).float().double()
    if name.endswith('out_conv.4.bias'):
        return torch.tensor([0.5, 0.0])  # more stay than go
    inputs = math.prod(shape[1:]) if len(shape) > 1 else 4
    return drawn(*shape, scale=1.0 / math.sqrt(inputs))


def straight_through(soft, hard):
    return hard.to(soft.dtype) + soft - soft.detach()


def decide_tokens(w, stage, rows, policy, draws):
    """[M] decisions, straight-through, of rows [M, D] under the policy before."""
    name = f'score_predictors.{stage}.'
    linear = lambda x, layer: F.linear(x, w[name + layer + '.weight'], w[name + layer + '.bias'])
    normed = F.layer_norm(rows, (DIM,), w[name + 'in_conv.0.weight'], w[name + 'in_conv.0.bias'], 1e-5)
    features = F.gelu(linear(normed, 'in_conv.1'))
    half = DIM // 2
    pooled = (policy[:, None] * features[:, half:]).sum(0) / (policy.sum() + 1)
    joined = torch.cat([features[:, :half], pooled.expand(PATCHES, half)], 1)
    pairs = linear(F.gelu(linear(F.gelu(linear(joined, 'out_conv.0')), 'out_conv.2')), 'out_conv.4')
    soft = F.softmax(pairs - torch.log(draws), 1)[:, 0]
    return straight_through(soft, soft >= 0.5)


def scan(w, mixer, b, x, mask):
    """One direction over x [L, E], in the order of its steps."""
    padded = F.pad((x * mask[:, None]).t()[None], (WIDTH - 1, 0))
    u = F.conv1d(padded, w[mixer + f'conv1d{b}.weight'], w[mixer + f'conv1d{b}.bias'], groups=INNER)[0].t()
    u = F.silu(u) * mask[:, None]
    projected = F.linear(u, w[mixer + f'x_proj{b}.weight'])
    steps, inputs, outputs = projected.split([RANK, STATES, STATES], 1)
    delta = F.softplus(F.linear(steps, w[mixer + f'dt_proj{b}.weight'], w[mixer + f'dt_proj{b}.bias']))
    a = -torch.exp(w[mixer + ('A_b_log' if b else 'A_log')])
    h, y = torch.zeros(INNER, STATES), []
    for t in range(len(x)):
        h = torch.exp(delta[t][:, None] * a) * h + delta[t][:, None] * inputs[t][None] * u[t][:, None]
        y.append(h @ outputs[t] + w[mixer + f'D{b}'] * u[t])
    return torch.stack(y)


def block(w, layer, stream, mask, first, second):
    """What the block adds to stream [L, D], and its two decisions."""
    mixer = f'layers.{layer}.mixer.'
    normed = stream * torch.rsqrt(stream.pow(2).mean(1, keepdim=True) + 1e-5) * w[f'layers.{layer}.norm.weight']
    x, z = (xz := F.linear(normed, w[mixer + 'in_proj.weight'])).split([INNER, INNER], 1)
    mean = (mask[:, None] * xz).sum(0) / mask.sum()
    logits = F.linear(mean, w[mixer + 'block_head.weight'], w[mixer + 'block_head.bias'])
    logits = logits + torch.log(second) - torch.log(first)
    gates = straight_through(torch.sigmoid(logits / 2), logits > 0)
    forward = scan(w, mixer, '', x, mask)
    backward = scan(w, mixer, '_b', x.flip(0), mask.flip(0)).flip(0)
    y = 0.5 * (gates[0] * forward + gates[1] * backward) * F.silu(z)
    return F.linear(y, w[mixer + 'out_proj.weight']), gates


def run(w, image, tokens, first, second, with_taps):
    """Maps of one image [M, D] in raster order, and the sums of its policies and of its block decisions."""
    stream = F.conv2d(image[None], w['patch_embed.proj.weight'], w['patch_embed.proj.bias'], stride=PATCH)
    stream = stream[0].flatten(1).t() + w['pos_embed'][0]
    positions, policy, alive = torch.arange(PATCHES), torch.ones(PATCHES), torch.ones(PATCHES, dtype=torch.bool)
    added, maps, policies, gates = torch.zeros(PATCHES, DIM), [], 0.0, 0.0
    raster = lambda rows: rows[torch.argsort(positions)]
    for layer in range(DEPTH):
        if layer in STAGES:
            stage = STAGES.index(layer)
            policy = policy * decide_tokens(w, stage, stream, policy, tokens[stage])
            policies = policies + policy.sum()
            alive = policy > 0.5
            kept = int(alive.sum())
            assert 0 < kept < PATCHES - WIDTH + 1, 'some go that no sequence has, and one stays'
            order = torch.argsort((~alive).to(torch.int64), stable=True)
            stream, added, policy, alive = stream[order], added[order], policy[order], alive[order]
            positions = positions[order]
        new, decided = block(w, layer, stream, policy, first[layer], second[layer])
        gates = gates + decided.sum()
        # What is dropped stays what it was.
        stream = torch.where(alive[:, None], stream + new, stream)
        added = torch.where(alive[:, None], new, added)
        if with_taps and layer in TAPS:
            maps.append(raster(added))
    return maps if with_taps else [raster(stream)], policies, gates


def write(path, tensors):
    header, offset, parts = {}, 0, []
    for name, tensor in tensors.items():
        values = tensor.detach().numpy().astype('<f4')
        header[name] = {'dtype': 'F32', 'shape': list(values.shape), 'data_offsets': [offset, offset + values.nbytes]}
        offset += values.nbytes
        parts.append(values.tobytes())
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    path.write_bytes(struct.pack('<Q', len(text)) + text + b''.join(parts))


def main():
    weights = {name: weight(name, shape) for name, shape in shapes()}
    images = drawn(IMAGES, 3, IMAGE, IMAGE)
    exponential = lambda *shape: torch.tensor(random.exponential(size=shape).astype(numpy.float32).astype(numpy.float64))
    tokens = [exponential(IMAGES, PATCHES, 2) for _ in STAGES]
    first = [exponential(IMAGES, 2) for _ in range(DEPTH)]
    second = [exponential(IMAGES, 2) for _ in range(DEPTH)]
    tensors = {f'weight/{name}': value for name, value in weights.items()}
    tensors['input'] = images
    for stage, draws in enumerate(tokens):
        tensors[f'noise/tokens.{stage}'] = draws
    for layer in range(DEPTH):
        tensors[f'noise/first.{layer}'], tensors[f'noise/second.{layer}'] = first[layer], second[layer]
    for kind in ('taps', 'final'):
        w = {name: value.clone().requires_grad_() for name, value in weights.items()}
        loss, maps = 0.0, []
        for b in range(IMAGES):
            draws = ([t[b] for t in tokens], [e[b] for e in first], [e[b] for e in second])
            own, policies, gates = run(w, images[b], *draws, kind == 'taps')
            maps.append(torch.stack(own))
            loss = loss + POLICY_SHARE * policies + GATE_SHARE * gates
        maps = torch.stack(maps, 1)  # [maps, B, M, D]
        fixed = drawn(*maps.shape)
        (loss + (maps * fixed).sum()).backward()
        tensors[f'{kind}/maps'], tensors[f'{kind}/fixed'] = maps, fixed
        for name, value in w.items():
            assert torch.isfinite(value.grad).all()
            tensors[f'{kind}/gradient/{name}'] = value.grad
    write(pathlib.Path(__file__).parent / 'expected.safetensors', tensors)


main()
