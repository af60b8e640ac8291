import type { HumanBox, ReviewChange, reviewArguments, Verdict } from '../../shared/api/review.ts';
import { AppError } from '../../shared/errors.ts';
import type { Size } from '../../shared/resized-size.ts';
import { classFinder, displayNames } from '../models/class-names.ts';
import { shownScore } from '../../shared/found-score.ts';
import type { Library } from '../store/library.ts';
import type { ReviewTarget } from '../store/tables/review-history.ts';
import type { RunRow } from '../store/tables/runs.ts';
import type { AppContext, Calls, Request } from '../app/app-context.ts';
import { TASKS } from '../../shared/tasks.ts';

const ROUNDING = 0.01; // pixels

export function reviewCalls(context: AppContext): Calls<keyof typeof reviewArguments> {
  const tell = (change: Omit<ReviewChange, 'history'>): ReviewChange => {
    const told = { ...change, history: context.library.reviewHistory.descriptions() };
    const { imageIds, history } = told;
    if (imageIds.length > 0) context.emit({ type: 'reviewed', imageIds, history });
    return told;
  };
  const move = (direction: 'undo' | 'redo') => {
    const { library } = context;
    const moved = library.transaction(() => library.reviewHistory[direction]());
    return moved && tell(moved);
  };
  return {
    review: (request) => tell(review(context, context.runRow(request.runId), request)),
    undoReview: () => move('undo'),
    redoReview: () => move('redo'),
    reviewHistory: () => context.library.reviewHistory.descriptions(),
  };
}

function review(
  context: AppContext,
  run: RunRow,
  { imageIds, verdict, minScore = shownScore(run.spec) }: Request<'review'>,
): Omit<ReviewChange, 'history'> {
  const { library } = context;
  const { reviewHistory } = library;
  return library.transaction(() => {
    const unknown = reviewHistory.findUnknown(run.id, imageIds);
    if (unknown !== undefined) {
      throw new AppError(
        'NOT_FOUND',
        `There is no image ${unknown} in run ${run.id}`,
        'Its file may have vanished before the run was run again; nothing was changed.',
      );
    }
    const target = toTarget(context, run, verdict, { imageIds, minScore });
    let description = describe(target, 0);
    const changed = reviewHistory.change(run.id, imageIds, target, context.now(), (images) => {
      return (description = describe(target, images));
    });
    return { description, imageIds: changed };
  });
}

function toTarget(
  { library }: AppContext,
  run: RunRow,
  verdict: Verdict,
  { imageIds, minScore }: { imageIds: readonly number[]; minScore: number },
): ReviewTarget {
  if (verdict.kind === 'clear') return verdict;
  const { manifest } = library.models.get(run.spec.modelSha256);
  const classLabels = displayNames(manifest.labels);
  if (verdict.kind === 'accept') {
    return TASKS[manifest.task].hasScores
      ? { kind: 'acceptBoxes', classLabels, minScore }
      : { kind: 'accept', classLabels };
  }
  const find = classFinder(manifest.labels);
  const shown = (label: string) => shownLabel(label, classLabels, find);
  if (verdict.kind === 'label') return { kind: 'label', label: shown(verdict.label) };
  const size = sizeOfOne(library, run, imageIds);
  return {
    kind: 'boxes',
    boxes: verdict.boxes.map((box) => insidePicture({ ...box, label: shown(box.label) }, size)),
  };
}

/** A label that names one class of the model, however it is written, becomes that class's. */
function shownLabel(
  label: string,
  classLabels: readonly string[],
  find: (text: string) => readonly number[],
): string {
  if (classLabels.includes(label)) return label;
  const [index, ...others] = find(label);
  return index === undefined || others.length > 0 ? label : (classLabels[index] ?? label);
}

function sizeOfOne(library: Library, run: RunRow, imageIds: readonly number[]): Size {
  const [imageId, ...others] = imageIds;
  if (imageId === undefined || others.length > 0) {
    throw new AppError('BAD_ARGUMENT', `Boxes belong to one image, but ${imageIds.length} were named`);
  }
  const [row] = library.resultQueries.rows(run.id, [imageId]);
  const { width, height } = row ?? {};
  if (width !== undefined && height !== undefined) return { width, height };
  throw new AppError(
    'BAD_ARGUMENT',
    `The size of ${row?.relativePath ?? 'the image'} is not known, so it can have no boxes`,
    'Let the run predict it first.',
  );
}

/** A box that reaches out by no more than the rounding of its sums is cut; for another throws BAD_ARGUMENT. */
function insidePicture(box: HumanBox, size: Size): HumanBox {
  const { x, y } = box;
  const [right, bottom] = [Math.min(x + box.width, size.width), Math.min(y + box.height, size.height)];
  const outside = Math.max(x + box.width - right, y + box.height - bottom);
  if (outside <= ROUNDING && right > x && bottom > y)
    return outside > 0 ? { ...box, width: right - x, height: bottom - y } : box;
  throw new AppError(
    'BAD_ARGUMENT',
    `A box must lie in its picture of ${size.width} x ${size.height} pixels, but the one of ${box.label} reaches to ${x + box.width}, ${y + box.height}`,
  );
}

function describe(target: ReviewTarget, images: number): string {
  const count = `${images.toLocaleString('en')} ${images === 1 ? 'image' : 'images'}`;
  if (target.kind === 'accept' || target.kind === 'acceptBoxes') return `Verify ${count}`;
  if (target.kind === 'clear') return `Clear the review of ${count}`;
  if (target.kind === 'boxes') return `Change the boxes of ${count}`;
  return `Relabel ${count} as ${target.label}`;
}
