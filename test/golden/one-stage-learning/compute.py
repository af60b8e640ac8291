"""Makes expected.safetensors: losses and gradients of the detector's head in one stage, by the autograd of PyTorch 1.13.

    python3 compute.py

Straight from the published formulas, independent of Winnow's code: the head of one-stage-random/compute.py; places assigned as
FCOS does (arXiv 1904.01355, with centre sampling); focal loss (arXiv 1708.02002), 1 - GIoU (arXiv 1902.09630), cross entropy of
the quality with the IoU, and of masks from prototypes within their boxes (YOLACT, arXiv 1904.02689). In fp64.
"""
import json
import math
import pathlib
import struct

import numpy
import torch
import torch.nn.functional as F

GRID, PATCH, DIM, WIDTH, LAYERS, PROTOTYPES, CLASSES, IMAGES = 4, 8, 8, 8, 2, 4, 3, 3
SIDE, CELLS = GRID * PATCH, 4 * GRID

torch.set_default_dtype(torch.float64)
random = numpy.random.RandomState(20261201)
w = {}


def drawn(*shape, scale=1.0, shift=0.0):
    """Normal numbers that fp32 holds exactly."""
    values = numpy.asarray(shift + scale * random.standard_normal(shape), dtype=numpy.float32)
    return torch.tensor(values.astype(numpy.float64))


def add_norm(name, width):
    w[name + '.weight'] = drawn(width, scale=0.1, shift=1.0)
    w[name + '.bias'] = drawn(width, scale=0.1)


def add_normed(name, outputs, inputs, kernel):
    w[name + '.weight'] = drawn(outputs, inputs, kernel, kernel, scale=1 / math.sqrt(kernel * kernel * inputs))
    add_norm(name + '.norm', outputs)


def add_layer(name, *shape, outputs, scale=0.3):
    w[name + '.weight'] = drawn(*shape, scale=scale)
    w[name + '.bias'] = drawn(outputs, scale=0.1)


def draw_weights():
    add_layer('pyramid.0.up', DIM, DIM // 2, 2, 2, outputs=DIM // 2)
    for level, inputs in enumerate([DIM // 2, DIM, DIM]):
        add_normed(f'pyramid.{level}.narrow', WIDTH, inputs, 1)
        add_normed(f'pyramid.{level}.smooth', WIDTH, WIDTH, 3)
    for tower in ('class', 'box'):
        for i in range(LAYERS):
            add_normed(f'head.{tower}_tower.{i}', WIDTH, WIDTH, 3)
    for name, outputs in (('classes', CLASSES), ('distances', 4), ('quality', 1), ('coefficients', PROTOTYPES)):
        add_layer('head.' + name, outputs, WIDTH, outputs=outputs)
    w['head.scales'] = torch.tensor([1.0, 0.75, 1.25])
    add_normed('prototypes.smooth', WIDTH, WIDTH, 3)
    add_layer('prototypes.up', WIDTH, WIDTH // 2, 2, 2, outputs=WIDTH // 2)
    add_norm('prototypes.up.norm', WIDTH // 2)
    add_layer('prototypes.out', PROTOTYPES, WIDTH // 2, 1, 1, outputs=PROTOTYPES)


def norm(name, x):
    weight, bias = w[name + '.weight'], w[name + '.bias']
    return F.layer_norm(x.permute(0, 2, 3, 1), weight.shape, weight, bias, 1e-6).permute(0, 3, 1, 2)


def normed(name, x, padding=1):
    return norm(name + '.norm', F.conv2d(x, w[name + '.weight'], padding=padding))


def double(name, x):
    return F.conv_transpose2d(x, w[name + '.weight'], w[name + '.bias'], stride=2)


def rows(x):
    """[B, C, H, W] -> [B, H W, C]"""
    return x.flatten(2).transpose(1, 2)


def head(x):
    """Class logits, predictions and prototypes [B, H, W, P] of a map."""
    logits, places, finest = [], [], None
    for level, x in enumerate([double('pyramid.0.up', x), x, F.max_pool2d(x, 2)]):
        x = normed(f'pyramid.{level}.smooth', normed(f'pyramid.{level}.narrow', x, 0))
        finest = x if level == 0 else finest
        towers = {}
        for tower in ('class', 'box'):
            y = x
            for i in range(LAYERS):
                y = F.relu(normed(f'head.{tower}_tower.{i}', y))
            towers[tower] = rows(y)
        say = lambda name, y: F.linear(y, w[f'head.{name}.weight'], w[f'head.{name}.bias'])
        logits.append(say('classes', towers['class']))
        places.append(torch.cat([say(name, towers['box']) for name in ('distances', 'quality', 'coefficients')], 2))
    y = F.relu(normed('prototypes.smooth', finest))
    y = F.relu(norm('prototypes.up.norm', double('prototypes.up', y)))
    y = F.relu(F.conv2d(y, w['prototypes.out.weight'], w['prototypes.out.bias']))
    return torch.cat(logits, 1), torch.cat(places, 1), y.permute(0, 2, 3, 1)


def assign(level, boxes):
    """Pairs of a location within the level and the index of its box."""
    stride, pairs = PATCH / 2 * 2**level, []
    side = int(SIDE / stride)
    least, most = [(0, 8 * stride), (4 * stride, 8 * stride), (4 * stride, math.inf)][level]
    for i in range(side * side):
        cx, cy = (i % side + 0.5) * stride, (i // side + 0.5) * stride
        best = None
        for index, (x0, y0, x1, y1) in enumerate(boxes):
            mx, my = (x0 + x1) / 2, (y0 + y1) / 2
            inside = max(x0, mx - 1.5 * stride) < cx < min(x1, mx + 1.5 * stride)
            inside &= max(y0, my - 1.5 * stride) < cy < min(y1, my + 1.5 * stride)
            area = (x1 - x0) * (y1 - y0)
            if inside and least < max(cx - x0, cy - y0, x1 - cx, y1 - cy) <= most and (best is None or area < best[0]):
                best = (area, index)
        if best is not None:
            pairs.append((i, best[1]))
    return pairs


def giou_and_iou(a, b):
    common = (torch.minimum(a[2:], b[2:]) - torch.maximum(a[:2], b[:2])).clamp(min=0).prod()
    area = lambda box: (box[2:] - box[:2]).prod()
    union = area(a) + area(b) - common
    around = (torch.maximum(a[2:], b[2:]) - torch.minimum(a[:2], b[:2])).prod()
    return common / union - (around - union) / around, common / union


def losses(logits, places, prototypes, boxes, labels, masks):
    """The four parts, and the assigned box of every location of every image, or -1."""
    box_sum, quality_sum, mask_sum, positives, drawn_masks = 0.0, 0.0, 0.0, 0, 0
    wanted, assigned = torch.zeros_like(logits), numpy.full(logits.shape[:2], -1)
    for b in range(IMAGES):
        first = 0
        for level in range(3):
            stride = PATCH / 2 * 2**level
            side = int(SIDE / stride)
            for i, index in assign(level, boxes[b]):
                positives += 1
                assigned[b, first + i] = index
                wanted[b, first + i, labels[b][index]] = 1
                place = places[b, first + i]
                centre = torch.tensor([(i % side + 0.5) * stride, (i // side + 0.5) * stride])
                far = stride * torch.exp(w['head.scales'][level] * place[:4])
                found, box = torch.cat([centre - far[:2], centre + far[2:]]), torch.tensor(boxes[b][index])
                giou, iou = giou_and_iou(found, box)
                box_sum = box_sum + 1 - giou
                quality_sum = quality_sum + F.binary_cross_entropy_with_logits(place[4], iou.detach())
                if masks[b][index] is None:
                    continue
                drawn_masks += 1
                middle = (torch.arange(CELLS) + 0.5) * SIDE / CELLS
                x0, y0, x1, y1 = boxes[b][index]
                inside = ((middle >= y0) & (middle < y1))[:, None] & ((middle >= x0) & (middle < x1))[None]
                mixed = (torch.tanh(place[5:]) * prototypes[b]).sum(-1)
                entropy = F.binary_cross_entropy_with_logits(mixed, masks[b][index], reduction='none')
                area = (x1 - x0) * (y1 - y0) / (SIDE / CELLS) ** 2
                mask_sum = mask_sum + (entropy * inside).sum() / area
            first += side * side
    p = torch.sigmoid(logits)
    there, elsewhere = -0.25 * (1 - p) ** 2 * torch.log(p), -0.75 * p**2 * torch.log(1 - p)
    focal = torch.where(wanted > 0, there, elsewhere).sum()
    assert positives > 20 and 5 < drawn_masks < positives, (positives, drawn_masks)
    return (focal / positives, box_sum / positives, quality_sum / positives, mask_sum / drawn_masks), assigned


def write(path, tensors):
    header, offset, parts = {}, 0, []
    for name, tensor in tensors.items():
        integers = tensor.dtype == torch.int64
        values = tensor.detach().contiguous().numpy().astype('<i4' if integers else '<f4')
        end = offset + values.nbytes
        header[name] = {'dtype': 'I32' if integers else 'F32', 'shape': list(values.shape), 'data_offsets': [offset, end]}
        offset = end
        parts.append(values.tobytes())
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    path.write_bytes(struct.pack('<Q', len(text)) + text + b''.join(parts))


def main():
    draw_weights()
    x = drawn(IMAGES, GRID, GRID, DIM)
    # Nested boxes, one at the edges, one of the whole picture; the second image is background.
    boxes = [[(2.5, 3.25, 16.0, 12.5), (0.0, 0.0, 32.0, 32.0), (17.5, 14.0, 31.0, 32.0)], [], [(4.0, 4.0, 12.25, 12.5), (3.0, 2.0, 30.5, 27.0)]]
    labels = [[2, 0, 1], [], [1, 1]]
    masks = [[torch.tensor(random.randint(0, 2, (CELLS, CELLS)), dtype=torch.float64) for _ in one] for one in boxes]
    masks[0][1] = None
    for tensor in (*w.values(), x):
        tensor.requires_grad_()
    logits, places, prototypes = head(x.permute(0, 3, 1, 2))
    parts, assigned = losses(logits, places, prototypes, boxes, labels, masks)
    sum(parts).backward()
    tensors = {f'weight/{name}': value for name, value in w.items()}
    tensors |= {'map': x, 'losses': torch.stack(parts), 'assigned': torch.tensor(assigned)}
    for b in range(IMAGES):
        if boxes[b]:
            tensors[f'boxes/{b}'], tensors[f'labels/{b}'] = torch.tensor(boxes[b]), torch.tensor(labels[b])
        for index, mask in enumerate(masks[b]):
            if mask is not None:
                tensors[f'mask/{b}/{index}'] = mask.long()
    tensors |= {'class_logits': logits, 'predictions': places, 'prototypes': prototypes, 'gradient/map': x.grad}
    tensors |= {f'gradient/{name}': value.grad for name, value in w.items()}
    write(pathlib.Path(__file__).parent / 'expected.safetensors', tensors)


main()
