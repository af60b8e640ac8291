"""Writes package.safetensors, expected.safetensors and config.json: a small random detector in one stage, and what it finds.

Straight from the published formulas, independent of Winnow's code: the backbone of DyVM (arXiv 2504.04787) with pruned patches
frozen, a simple feature pyramid (arXiv 2203.16527), the head of FCOS (arXiv 1904.01355) with the IoU of the box as quality, and
masks from prototypes (YOLACT, arXiv 1904.02689). Python 3, numpy and PyTorch 1.13: python3 compute.py
"""

import hashlib
import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).parent
SIZE, PATCH, DIM, DEPTH, STATES, TAPS, RANK = 64, 8, 24, 2, 4, 4, 2
WIDTH, LAYERS, PROTOTYPES, CLASSES = 16, 2, 6, 3
PRUNED_AT, KEEP = 1, 0.6
GRID, INNER = SIZE // PATCH, 2 * DIM
MIN_SCORE, NMS_IOU, MOST = 0.3, 0.5, 100
RESIZED, ORIGINAL = (48, 64), (90, 120)  # height, width
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]

random = torch.Generator().manual_seed(SEED := 3)
weights: dict[str, torch.Tensor] = {}


def add(name, shape, deviation, mean=0.0):
    """Drawn, and rounded to what the package holds."""
    weights[name] = (torch.randn(shape, generator=random) * deviation + mean).half().float()


def layer(name, shape, bias=True, gain=1.0):
    transposed = len(shape) == 4 and shape[2] == 2
    inputs = shape[0] if transposed else int(np.prod(shape[1:]))
    add(name + ".weight", shape, gain / inputs**0.5)
    if bias:
        add(name + ".bias", [shape[1] if transposed else shape[0]], 0.2)


def norm(name, width):
    add(name + ".weight", [width], 0.2, 1.0)
    add(name + ".bias", [width], 0.2)


def normed(name, outputs, inputs, kernel):
    layer(name, [outputs, inputs, kernel, kernel], bias=False)
    norm(name + ".norm", outputs)


def draw_weights():
    net = "backbone.net."
    layer(net + "patch_embed.proj", [DIM, 3, PATCH, PATCH])
    add(net + "pos_embed", [1, GRID * GRID, DIM], 0.3)
    for i in range(DEPTH):
        mixer = f"{net}layers.{i}.mixer."
        add(f"{net}layers.{i}.norm.weight", [DIM], 0.2, 1.0)
        layer(mixer + "in_proj", [2 * INNER, DIM], bias=False)
        layer(mixer + "out_proj", [DIM, INNER], bias=False)
        for end, state, skip in [("", "A_log", "D"), ("_b", "A_b_log", "D_b")]:
            add(f"{mixer}conv1d{end}.weight", [INNER, 1, TAPS], 0.5)
            add(f"{mixer}conv1d{end}.bias", [INNER], 0.1)
            layer(f"{mixer}x_proj{end}", [RANK + 2 * STATES, INNER], bias=False)
            layer(f"{mixer}dt_proj{end}", [INNER, RANK])
            weights[f"{mixer}dt_proj{end}.bias"] -= 3.0
            weights[f"{mixer}dt_proj{end}.bias"] = weights[f"{mixer}dt_proj{end}.bias"].half().float()
            weights[mixer + state] = torch.log(torch.arange(1.0, STATES + 1)).repeat(INNER, 1).half().float()
            add(mixer + skip, [INNER], 0.1, 1.0)
        layer(mixer + "block_head", [2, 2 * INNER], gain=0.1)
        weights[mixer + "block_head.bias"] = torch.tensor([2.0, 2.0 if i == 0 else -2.0])
    score = net + "score_predictors.0."
    norm(score + "in_conv.0", DIM)
    layer(score + "in_conv.1", [DIM, DIM])
    layer(score + "out_conv.0", [DIM // 2, DIM])
    layer(score + "out_conv.2", [DIM // 4, DIM // 2])
    layer(score + "out_conv.4", [2, DIM // 4], gain=3.0)

    layer("pyramid.0.up", [DIM, DIM // 2, 2, 2])
    for level, inputs in enumerate([DIM // 2, DIM, DIM]):
        normed(f"pyramid.{level}.narrow", WIDTH, inputs, 1)
        normed(f"pyramid.{level}.smooth", WIDTH, WIDTH, 3)
    for tower in ["class", "box"]:
        for i in range(LAYERS):
            normed(f"head.{tower}_tower.{i}", WIDTH, WIDTH, 3)
    layer("head.classes", [CLASSES, WIDTH], gain=2.0)
    weights["head.classes.bias"] -= 4.0
    weights["head.classes.bias"] = weights["head.classes.bias"].half().float()
    layer("head.distances", [4, WIDTH])
    layer("head.quality", [1, WIDTH], gain=2.0)
    layer("head.coefficients", [PROTOTYPES, WIDTH], gain=2.0)
    weights["head.scales"] = torch.tensor([1.0, 0.75, 0.5])
    normed("prototypes.smooth", WIDTH, WIDTH, 3)
    layer("prototypes.up", [WIDTH, WIDTH // 2, 2, 2])
    norm("prototypes.up.norm", WIDTH // 2)
    layer("prototypes.out", [PROTOTYPES, WIDTH // 2, 1, 1], gain=2.0)


def linear(x, name):
    return F.linear(x, weights[name + ".weight"], weights.get(name + ".bias"))


# --- The backbone: tokens [M, D] of one picture ---


def scan(mixer, x, z, end, state, skip):
    """One direction, in the order of the rows."""
    length = x.shape[0]
    u = F.pad(x.T[None], (TAPS - 1, 0))
    u = F.conv1d(u, weights[f"{mixer}conv1d{end}.weight"], weights[f"{mixer}conv1d{end}.bias"], groups=INNER)[0].T
    u = F.silu(u)
    low, b, c = linear(u, f"{mixer}x_proj{end}").split([RANK, STATES, STATES], dim=1)
    delta = F.softplus(linear(low, f"{mixer}dt_proj{end}"))
    a = -torch.exp(weights[mixer + state])
    h, out = torch.zeros(INNER, STATES), []
    for t in range(length):
        h = torch.exp(delta[t, :, None] * a) * h + delta[t, :, None] * b[t] * u[t, :, None]
        out.append((h * c[t]).sum(1) + weights[mixer + skip] * u[t])
    return torch.stack(out) * F.silu(z)


def block(i, stream):
    prefix = f"backbone.net.layers.{i}."
    mixer = prefix + "mixer."
    v = stream * torch.rsqrt((stream**2).mean(1, keepdim=True) + 1e-5) * weights[prefix + "norm.weight"]
    xz = linear(v, mixer + "in_proj")
    x, z = xz[:, :INNER], xz[:, INNER:]
    gates = linear(xz.mean(0), mixer + "block_head")
    assert gates.abs().min() > 0.5, "a gate is too near to its threshold"
    out = torch.zeros_like(x)
    if gates[0] > 0:
        out = out + scan(mixer, x, z, "", "A_log", "D")
    if gates[1] > 0:
        out = out + scan(mixer, x.flip(0), z.flip(0), "_b", "A_b_log", "D_b").flip(0)
    return stream + linear(out / 2, mixer + "out_proj")


def predict_scores(stream):
    score = "backbone.net.score_predictors.0."
    t = F.layer_norm(stream, [DIM], weights[score + "in_conv.0.weight"], weights[score + "in_conv.0.bias"])
    t = F.gelu(linear(t, score + "in_conv.1"))
    pooled = t[:, DIM // 2 :].sum(0) / (t.shape[0] + 1)
    t = torch.cat([t[:, : DIM // 2], pooled.expand(t.shape[0], -1)], 1)
    t = F.gelu(linear(t, score + "out_conv.0"))
    t = F.gelu(linear(t, score + "out_conv.2"))
    return F.log_softmax(linear(t, score + "out_conv.4"), 1)[:, 0]


def backbone(image):
    net = "backbone.net."
    tokens = F.conv2d(
        image[None], weights[net + "patch_embed.proj.weight"], weights[net + "patch_embed.proj.bias"], stride=PATCH
    )
    stream = tokens[0].flatten(1).T + weights[net + "pos_embed"][0]
    kept = None
    for i in range(DEPTH):
        if i == PRUNED_AT:
            scores = predict_scores(stream)
            count = int(KEEP * GRID * GRID)
            ordered = scores.sort(descending=True).values
            assert ordered[count - 1] - ordered[count] > 1e-4, "two patches are too near to each other"
            kept = scores.topk(count).indices.sort().values
            frozen, stream = stream, stream[kept]
        stream = block(i, stream)
    frozen = frozen.clone()
    frozen[kept] = stream
    return frozen.T.reshape(1, DIM, GRID, GRID), scores, kept


# --- The head: maps [1, C, H, W] ---


def channel_norm(x, name):
    rows = x.permute(0, 2, 3, 1)
    rows = F.layer_norm(rows, rows.shape[-1:], weights[name + ".weight"], weights[name + ".bias"], 1e-6)
    return rows.permute(0, 3, 1, 2)


def convolve(x, name, padding=1):
    return channel_norm(F.conv2d(x, weights[name + ".weight"], padding=padding), name + ".norm")


def double(x, name):
    return F.conv_transpose2d(x, weights[name + ".weight"], weights[name + ".bias"], stride=2)


def make_pyramid(feature):
    inputs = [double(feature, "pyramid.0.up"), feature, F.max_pool2d(feature, 2)]
    return [
        convolve(convolve(x, f"pyramid.{level}.narrow", 0), f"pyramid.{level}.smooth") for level, x in enumerate(inputs)
    ]


def climb(x, tower):
    for i in range(LAYERS):
        x = F.relu(convolve(x, f"head.{tower}_tower.{i}"))
    return x[0].flatten(1).T  # [H W, C]


def said(level):
    classes = linear(climb(level, "class"), "head.classes")
    places = climb(level, "box")
    rows = [linear(places, "head." + name) for name in ["distances", "quality", "coefficients"]]
    return classes, torch.cat(rows, 1)


def make_prototypes(finest):
    x = F.relu(convolve(finest, "prototypes.smooth"))
    x = F.relu(channel_norm(double(x, "prototypes.up"), "prototypes.up.norm"))
    return F.relu(F.conv2d(x, weights["prototypes.out.weight"], weights["prototypes.out.bias"]))


def decode(classes, places, level):
    stride = PATCH / 2 * 2**level
    side = int(SIZE / stride)
    y, x = torch.meshgrid(torch.arange(side) + 0.5, torch.arange(side) + 0.5, indexing="ij")
    centre = torch.stack([x, y], -1).reshape(-1, 2) * stride
    far = stride * torch.exp(weights["head.scales"][level] * places[:, :4])
    boxes = torch.cat([centre - far[:, :2], centre + far[:, 2:]], 1)
    height, width = RESIZED
    boxes[:, 0::2] = boxes[:, 0::2].clamp(0, width)
    boxes[:, 1::2] = boxes[:, 1::2].clamp(0, height)
    scores = torch.sqrt(torch.sigmoid(classes) * torch.sigmoid(places[:, 4:5]))
    return boxes, scores


def iou(a, b):
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    common = max(w, 0) * max(h, 0)
    area = lambda box: (box[2] - box[0]) * (box[3] - box[1])
    return common / (area(a) + area(b) - common)


def choose(boxes, scores):
    """Indices of locations and their classes, best first."""
    assert (scores - MIN_SCORE).abs().min() > 2e-5, "a score is too near to the threshold"
    found = []
    empty = (boxes[:, 2] <= boxes[:, 0]) | (boxes[:, 3] <= boxes[:, 1])
    for c in range(CLASSES):
        stayed = []
        for i in scores[:, c].argsort(descending=True).tolist():
            if scores[i, c] <= MIN_SCORE or empty[i]:
                continue
            overlaps = [iou(boxes[j].tolist(), boxes[i].tolist()) for j in stayed]
            assert all(abs(overlap - NMS_IOU) > 1e-4 for overlap in overlaps), "an overlap is too near to the limit"
            if all(overlap <= NMS_IOU for overlap in overlaps):
                stayed.append(i)
        found += [(i, c) for i in stayed]
    found.sort(key=lambda one: -scores[one[0], one[1]].item())
    assert 5 < len(found) <= MOST, len(found)
    return found


def mask_of(prototypes, coefficients, box):
    """[height, width] of the original, and how near its values come to the threshold."""
    mixed = torch.sigmoid((torch.tanh(coefficients)[:, None, None] * prototypes[0]).sum(0))
    height, width = ORIGINAL
    y = (torch.arange(height) + 0.5) * RESIZED[0] / height
    x = (torch.arange(width) + 0.5) * RESIZED[1] / width
    at = torch.stack(torch.meshgrid(2 * y / SIZE - 1, 2 * x / SIZE - 1, indexing="ij")[::-1], -1)
    values = F.grid_sample(mixed[None, None], at[None], padding_mode="border", align_corners=False)[0, 0]
    rows, columns = torch.arange(height)[:, None] + 0.5, torch.arange(width)[None] + 0.5
    inside = (columns >= box[0]) & (columns < box[2]) & (rows >= box[1]) & (rows < box[3])
    near = (values[inside] - 0.5).abs().min().item() if inside.any() else 1.0
    return inside & (values >= 0.5), near


def counts_of(mask):
    """COCO's run lengths, compressed."""
    runs, last, length = [], False, 0
    for pixel in mask.T.reshape(-1).tolist():
        if pixel != last:
            runs.append(length)
            last, length = pixel, 0
        length += 1
    runs.append(length)
    out = ""
    for index, run in enumerate(runs):
        value = run - runs[index - 2] if index > 2 else run
        while True:
            bits, value = value & 31, value >> 5
            more = value != (-1 if bits & 16 else 0)
            out += chr(48 + bits + 32 * more)
            if not more:
                break
    return out


# --- Files ---


def safetensors(tensors, metadata=None):
    """Header and tensors, by name."""
    types = {torch.float16: "F16", torch.float32: "F32", torch.int64: "I64", torch.uint8: "U8"}
    header, parts, end = ({"__metadata__": metadata} if metadata else {}), [], 0
    for name, tensor in sorted(tensors.items()):
        part = tensor.contiguous().numpy().tobytes()
        header[name] = {
            "dtype": types[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [end, end + len(part)],
        }
        end += len(part)
        parts.append(part)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(parts)


def package():
    halves = {name: tensor.half() for name, tensor in weights.items()}
    data = b"".join(tensor.numpy().tobytes() for _, tensor in sorted(halves.items()))
    manifest = {
        "format": 1,
        "name": "one-stage-random",
        "task": "detection",
        "architecture": "vim",
        "imageSize": SIZE,
        "patchSize": PATCH,
        "stride": PATCH,
        "embedDim": DIM,
        "depth": DEPTH,
        "stateDim": STATES,
        "convWidth": TAPS,
        "dtRank": RANK,
        "classes": CLASSES,
        "blockSelection": True,
        "pruningLayers": [PRUNED_AT],
        "tokenKeep": [KEEP],
        "labels": [{"name": name} for name in ["nut", "bolt", "washer"]],
        "provenance": {"file": "compute.py", "sha256": "0" * 64, "weights": "random"},
        "licence": "Apache-2.0",
        "dataSha256": hashlib.sha256(data).hexdigest(),
        "halveDirections": True,
        "rotary": False,
        "preprocessing": {"mean": MEAN, "std": STD},
        "head": {"kind": "one-stage", "width": WIDTH, "layers": LAYERS, "prototypes": PROTOTYPES},
    }
    return safetensors(halves, {"winnow": json.dumps(manifest)})


def main():
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    draw_weights()
    height, width = RESIZED
    picture = torch.randint(0, 256, (height // 8, width // 8, 3), generator=random)
    noise = torch.randint(-40, 41, (height, width, 3), generator=random)
    picture = (picture.repeat_interleave(8, 0).repeat_interleave(8, 1) + noise).clamp(0, 255).to(torch.uint8)
    image = torch.zeros(3, SIZE, SIZE)
    image[:, :height, :width] = ((picture.float() / 255 - torch.tensor(MEAN)) / torch.tensor(STD)).permute(2, 0, 1)

    feature, patch_scores, kept = backbone(image)
    levels = make_pyramid(feature)
    outputs = [said(level) for level in levels]
    decoded = [decode(classes, places, level) for level, (classes, places) in enumerate(outputs)]
    boxes, scores = (torch.cat([one[part] for one in decoded]) for part in (0, 1))
    classes, places = (torch.cat([one[part] for one in outputs]) for part in (0, 1))
    prototypes = make_prototypes(levels[0])
    found = choose(boxes, scores)
    at = [i for i, _ in found]
    scale = torch.tensor([ORIGINAL[1] / width, ORIGINAL[0] / height]).repeat(2)
    masks = [mask_of(prototypes, places[i, 5:], boxes[i] * scale) for i in at]
    drawn = [number for number, (mask, near) in enumerate(masks) if near > 1e-4 and 200 < mask.sum() < 2000]

    photo = "photo0/"
    expected = {
        "resized_u8": picture,
        "divide_on/backbone_feature": feature[0],
        "stage0.score": patch_scores[None],
        "stage0.keep": kept[None],
        **{f"level{number}": level[0] for number, level in enumerate(levels)},
        "class_logits": classes,
        "places": places,
        "prototypes": prototypes[0],
        "final.boxes_resized": boxes[at],
        "final.boxes": boxes[at] * scale,
        "final.scores": torch.tensor([scores[i, c] for i, c in found]),
        "final.classes": torch.tensor([c for _, c in found]),
        "final.mask_areas": torch.tensor([int(mask.sum()) for mask, _ in masks]),
    }
    config = {
        "architecture": "dyvm-det-one-stage",
        "package": "package.safetensors",
        "config": {"score_threshold": MIN_SCORE, "nms": NMS_IOU, "topk": MOST},
        "images": {
            "photo0": {
                "original_hw": ORIGINAL,
                "mask": {"detection": drawn[0], "counts": counts_of(masks[drawn[0]][0])},
            }
        },
    }
    (HERE / "package.safetensors").write_bytes(package())
    (HERE / "expected.safetensors").write_bytes(safetensors({photo + name: value for name, value in expected.items()}))
    (HERE / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    print(len(found), "found; patches kept:", len(kept), "; masks of", [int(mask.sum()) for mask, _ in masks])


main()
