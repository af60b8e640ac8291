"""Makes expected.safetensors: scores, loss and gradients of the light segmentation head, by the autograd of PyTorch 1.13.

    python3 compute.py

The head: LayerNorm over the channels, a transposed 2 x 2 convolution, LayerNorm and GELU; twice a 3 x 3 convolution,
LayerNorm and ReLU; the classes. The loss: cross entropy of the scores, resized to the labels' size, without label 255.
"""
import json
import math
import pathlib
import struct

import numpy
import torch
import torch.nn.functional as F

DIM, WIDTH, CLASSES, GRID, IMAGES, HEIGHT, LABEL_WIDTH = 12, 8, 4, 3, 2, 11, 13

torch.set_default_dtype(torch.float64)
random = numpy.random.RandomState(20261130)


def drawn(*shape, scale=1.0, shift=0.0):
    """Normal numbers that fp32 holds exactly."""
    values = numpy.asarray(shift + scale * random.standard_normal(shape), dtype=numpy.float32)
    return torch.tensor(values.astype(numpy.float64))


def norm(w, name, x):
    """LayerNorm over the channels of x [B, C, H, W]."""
    weight, bias = w[name + '.weight'], w[name + '.bias']
    return F.layer_norm(x.permute(0, 2, 3, 1), weight.shape, weight, bias, 1e-5).permute(0, 3, 1, 2)


def score(w, x):
    x = norm(w, 'norm', x)
    x = F.gelu(norm(w, 'project.norm', F.conv_transpose2d(x, w['project.weight'], w['project.bias'], stride=2)))
    for i in range(2):
        x = F.relu(norm(w, f'smooth.{i}.norm', F.conv2d(x, w[f'smooth.{i}.weight'], padding=1)))
    return F.conv2d(x, w['classes.weight'], w['classes.bias'])


def write(path, tensors):
    header, offset, parts = {}, 0, []
    for name, tensor in tensors.items():
        integers = tensor.dtype == torch.uint8
        values = tensor.detach().contiguous().numpy().astype('u1' if integers else '<f4')
        end = offset + values.nbytes
        header[name] = {'dtype': 'U8' if integers else 'F32', 'shape': list(values.shape), 'data_offsets': [offset, end]}
        offset = end
        parts.append(values.tobytes())
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    path.write_bytes(struct.pack('<Q', len(text)) + text + b''.join(parts))


def main():
    w = {}
    for name, channels in (('norm', DIM), ('project.norm', WIDTH), ('smooth.0.norm', WIDTH), ('smooth.1.norm', WIDTH)):
        w[name + '.weight'] = drawn(channels, scale=0.1, shift=1.0)
        w[name + '.bias'] = drawn(channels, scale=0.1)
    w['project.weight'] = drawn(DIM, WIDTH, 2, 2, scale=1 / math.sqrt(DIM))
    w['project.bias'] = drawn(WIDTH, scale=0.1)
    for i in range(2):
        w[f'smooth.{i}.weight'] = drawn(WIDTH, WIDTH, 3, 3, scale=math.sqrt(2 / (9 * WIDTH)))
    w['classes.weight'] = drawn(CLASSES, WIDTH, 1, 1, scale=1 / math.sqrt(WIDTH))
    w['classes.bias'] = drawn(CLASSES, scale=0.1)
    x = drawn(IMAGES, GRID, GRID, DIM)
    labels = random.randint(0, CLASSES, (IMAGES, HEIGHT, LABEL_WIDTH))
    labels[random.random_sample(labels.shape) < 0.2] = 255
    for tensor in (*w.values(), x):
        tensor.requires_grad_()
    scores = score(w, x.permute(0, 3, 1, 2))
    resized = F.interpolate(scores, (HEIGHT, LABEL_WIDTH), mode='bilinear', align_corners=False)
    loss = F.cross_entropy(resized, torch.tensor(labels), ignore_index=255)
    loss.backward()
    tensors = {f'weight/head.{name}': value for name, value in w.items()}
    tensors |= {'map': x, 'labels': torch.tensor(labels.astype('u1')), 'loss': loss[None]}
    tensors |= {'scores': scores.permute(0, 2, 3, 1), 'gradient/map': x.grad}
    tensors |= {f'gradient/head.{name}': value.grad for name, value in w.items()}
    write(pathlib.Path(__file__).parent / 'expected.safetensors', tensors)


main()
