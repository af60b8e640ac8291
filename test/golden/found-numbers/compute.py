"""Writes objects.json: drawn objects and detections, and their average precision by COCO's rules; class maps, and their IoU.

A second implementation, straight from the rules and independent of Winnow's: it compares bitmaps, not runs, and keeps a
table per image, class, range of areas and threshold. Python 3 and numpy: python3 compute.py
"""

import json
import pathlib

import numpy as np

WIDTH, HEIGHT, CLASSES, IMAGES = 180, 150, 3, 14
THRESHOLDS = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]
RANGES = {"all": (0, 1e10), "small": (0, 1024), "medium": (1024, 9216), "large": (9216, 1e10)}
random = np.random.default_rng(20260101)


def ellipse(x, y, width, height):
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    return ((columns - x - width / 2) / width) ** 2 + ((rows - y - height / 2) / height) ** 2 <= 0.25


def text(bitmap):
    runs, last, length = [], False, 0
    for pixel in bitmap.T.ravel():
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


def draw_image():
    truth, found = [], []
    for _ in range(random.integers(1, 8)):
        side = random.choice([12, 28, 34, 60, 95, 120])
        width, height = (side * random.uniform(0.7, 1.3, 2)).round(1)
        x, y = (random.uniform(0, 1, 2) * [max(WIDTH - width, 1), max(HEIGHT - height, 1)]).round(1)
        kind, crowd = int(random.integers(CLASSES)), bool(random.uniform() < 0.12)
        truth.append((kind, [float(v) for v in (x, y, width, height)], crowd))
        for _ in range(random.integers(0, 4)):
            moved = np.array([x, y, width, height]) + random.normal(0, side * random.choice([0.01, 0.05, 0.15]), 4)
            moved = np.clip(moved, [0, 0, 3, 3], [WIDTH - 4, HEIGHT - 4, WIDTH, HEIGHT]).round(1)
            guess = kind if random.uniform() < 0.85 else int(random.integers(CLASSES))
            found.append((guess, [float(v) for v in moved], round(float(random.uniform()), 2)))
    return truth, found


def with_masks(objects):
    return [(*one, ellipse(*one[1])) for one in objects]


def iou(found, truth, kind):
    if kind == "mask":
        shared = float((found[3] & truth[3]).sum())
        sizes = float(found[3].sum()), float(truth[3].sum())
    else:
        (x, y, w, h), (u, v, s, t) = found[1], truth[1]
        shared = max(min(x + w, u + s) - max(x, u), 0) * max(min(y + h, v + t) - max(y, v), 0)
        sizes = w * h, s * t
    union = sizes[0] if truth[2] else sizes[0] + sizes[1] - shared
    return shared / union if union else 0.0


def area(one, kind):
    return float(one[3].sum()) if kind == "mask" else one[1][2] * one[1][3]


def compare(truth, found, kind, limits, threshold):
    """Per detection (score, right, ignored), and how many objects are expected."""
    outside = lambda value: value < limits[0] or value > limits[1]
    truth = sorted(truth, key=lambda one: one[2] or outside(float(one[3].sum())))
    ignored = [one[2] or outside(float(one[3].sum())) for one in truth]
    found = sorted(found, key=lambda one: -one[2])[:100]
    taken, rows = set(), []
    for one in found:
        match, best = None, min(threshold, 1 - 1e-10)
        for place, other in enumerate(truth):
            if place in taken and not other[2]:
                continue
            if match is not None and not ignored[match] and ignored[place]:
                break
            value = iou(one, other, kind)
            if value >= best:
                match, best = place, value
        if match is None:
            rows.append((one[2], False, outside(area(one, kind))))
        else:
            taken.add(match)
            rows.append((one[2], True, ignored[match]))
    return rows, ignored.count(False)


def precision(images, kind, limits, threshold, label):
    rows, expected = [], 0
    for truth, found in images:
        more, count = compare([t for t in truth if t[0] == label], [f for f in found if f[0] == label], kind, limits, threshold)
        rows, expected = rows + more, expected + count
    if expected == 0:
        return None
    rows = [row for row in sorted(rows, key=lambda row: -row[0]) if not row[2]]
    right = np.cumsum([row[1] for row in rows])
    recalls = right / expected
    precisions = right / np.arange(1, len(rows) + 1)
    return float(np.mean([precisions[recalls >= r].max(initial=0) for r in np.linspace(0, 1, 101)]))


def mean(values):
    values = [value for value in values if value is not None]
    return float(np.mean(values)) if values else None


def evaluate(images, kind):
    table = {
        (name, t, label): precision(images, kind, limits, t, label)
        for name, limits in RANGES.items()
        for t in THRESHOLDS
        for label in range(CLASSES)
    }
    pick = lambda *wanted: mean(v for k, v in table.items() if all(w is None or w == p for w, p in zip(wanted, k)))
    result = {"ap": pick("all", None, None), "ap50": pick("all", 0.5, None), "ap75": pick("all", 0.75, None)}
    result |= {name: pick(name, None, None) for name in ("small", "medium", "large")}
    return result | {"classes": [pick("all", None, label) for label in range(CLASSES)]}


def draw_maps():
    """Two maps of values from 0 to 4: 0 is open in the truth and missing in the other."""
    truth = random.integers(0, 5, (9, 11))
    found = np.where(random.uniform(size=truth.shape) < 0.6, truth, random.integers(0, 4, truth.shape))
    return truth, found


def compare_maps(pairs):
    truth, found = (np.concatenate([pair[side].ravel() for pair in pairs]) for side in (0, 1))
    truth, found = truth[truth > 0], found[truth > 0]
    ious = [((truth == c) & (found == c)).sum() / ((truth == c) | (found == c)).sum() for c in range(1, 5)]
    return {"ious": [float(v) for v in ious], "meanIou": float(np.mean(ious)), "pixelAccuracy": float((truth == found).mean())}


drawn = [draw_image() for _ in range(IMAGES)]
images = [(with_masks(truth), with_masks(found)) for truth, found in drawn]
maps = [draw_maps() for _ in range(3)]
content = {
    "maps": {"pairs": [[truth.tolist(), found.tolist()] for truth, found in maps], "expected": compare_maps(maps)},
    "width": WIDTH,
    "height": HEIGHT,
    "images": [
        {
            "truth": [{"classIndex": c, "box": b, "crowd": w, "area": int(m.sum()), "counts": text(m)} for c, b, w, m in truth],
            "found": [{"classIndex": c, "box": b, "score": s, "counts": text(m)} for c, b, s, m in found],
        }
        for truth, found in images
    ],
    "expected": {kind: evaluate(images, kind) for kind in ("box", "mask")},
}
path = pathlib.Path(__file__).with_name("objects.json")
path.write_text(json.dumps(content) + "\n")
print(json.dumps(content["expected"], indent=1), path.stat().st_size)
