import { decodeRuns } from '../../../shared/mask.ts';
import type { MarkedObject } from '../../../shared/trainer-api.ts';
import type { SegmentationScores } from '../../../shared/training.ts';
import { MapTally } from '../../evaluate/map-tally.ts';
import { MOST_CONFUSED, MOST_WORST } from './score-marked.ts';
import type { ScoredPicture } from './score-marked.ts';

/** How a segmenter does on pictures that it has not learned from, where a pixel is marked; no pixel is in two areas. */
export function scoreMaps(pictures: readonly ScoredPicture[], classes: number): SegmentationScores {
  const all = new MapTally(classes);
  const confusion =
    classes <= MOST_CONFUSED
      ? Array.from({ length: classes }, () => new Array<number>(classes).fill(0))
      : undefined;
  const judged = pictures.flatMap(({ index, path, truth, found }) => {
    const own = new MapTally(classes);
    let marked = false;
    for (const { truthClass, foundClass, pixels } of overlaps(truth, found)) {
      marked = true;
      for (const tally of [all, own]) tally.add(truthClass, foundClass, pixels);
      const row = confusion?.[truthClass];
      if (row !== undefined && foundClass >= 0) row[foundClass] = (row[foundClass] ?? 0) + pixels;
    }
    return marked ? [{ index, path, iou: own.result().meanIou }] : [];
  });
  const { meanIou, pixelAccuracy, classes: perClass } = all.result();
  return {
    score: meanIou,
    pixelAccuracy,
    perClass,
    ...(confusion && { confusion }),
    worst: judged
      .filter(({ iou }) => iou < 1)
      .sort((one, other) => one.iou - other.iou || one.index - other.index)
      .slice(0, MOST_WORST),
  };
}

/** Pixels that lie behind each other in a column, from the first to before the last. */
interface Span {
  classIndex: number;
  start: number;
  end: number;
}

/** The marked pixels in pieces of one class in the truth and one in what was found, -1 where nothing was. */
function* overlaps(
  truth: readonly MarkedObject[],
  found: readonly MarkedObject[],
): Generator<{ truthClass: number; foundClass: number; pixels: number }> {
  const there = spansOf(found);
  let next = 0;
  for (const { classIndex: truthClass, start, end } of spansOf(truth)) {
    let done = start;
    while ((there[next]?.end ?? Infinity) <= start) next++;
    for (let at = next; done < end; at++) {
      const span = there[at];
      const from = Math.min(end, span?.start ?? end);
      if (from > done) yield { truthClass, foundClass: -1, pixels: from - done };
      done = Math.max(done, from);
      if (span === undefined || from === end) continue;
      const to = Math.min(end, span.end);
      yield { truthClass, foundClass: span.classIndex, pixels: to - done };
      done = to;
    }
  }
}

/** The spans of areas, in the order of their pixels. */
function spansOf(regions: readonly MarkedObject[]): Span[] {
  const spans: Span[] = [];
  for (const { classIndex, counts = '' } of regions) {
    let start = 0;
    for (const [index, length] of decodeRuns(counts).entries()) {
      if (index % 2 === 1 && length > 0) spans.push({ classIndex, start, end: start + length });
      start += length;
    }
  }
  return spans.sort((one, other) => one.start - other.start);
}
