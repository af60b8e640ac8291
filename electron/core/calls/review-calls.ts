import type { ReviewChange, reviewArguments, Verdict } from '../../shared/api/review.ts';
import { AppError } from '../../shared/errors.ts';
import { findClasses } from '../class-names.ts';
import { classLabels } from '../resolve-filter.ts';
import type { ReviewTarget } from '../store/review-history.ts';
import type { RunRow } from '../store/runs.ts';
import type { AppContext, Calls } from './app-context.ts';

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
    review: ({ runId, imageIds, verdict }) => tell(review(context, context.runRow(runId), imageIds, verdict)),
    undoReview: () => move('undo'),
    redoReview: () => move('redo'),
    reviewHistory: () => context.library.reviewHistory.descriptions(),
  };
}

function review(
  context: AppContext,
  run: RunRow,
  imageIds: readonly number[],
  verdict: Verdict,
): Omit<ReviewChange, 'history'> {
  const { library } = context;
  const { reviewHistory } = library;
  const target = toTarget(context, run, verdict);
  return library.transaction(() => {
    const unknown = reviewHistory.findUnknown(run.id, imageIds);
    if (unknown !== undefined) {
      throw new AppError(
        'NOT_FOUND',
        `There is no image ${unknown} in run ${run.id}`,
        'Its file may have vanished before the run was run again; nothing was changed.',
      );
    }
    let description = describe(target, 0);
    const changed = reviewHistory.change(run.id, imageIds, target, context.now(), (images) => {
      return (description = describe(target, images));
    });
    return { description, imageIds: changed };
  });
}

/** A label that names one class of the model, however it is written, becomes that class's. */
function toTarget({ library }: AppContext, run: RunRow, verdict: Verdict): ReviewTarget {
  if (verdict.kind === 'clear') return verdict;
  const names = classLabels(library, run);
  if (verdict.kind === 'accept') return { kind: 'accept', classLabels: names };
  if (names.includes(verdict.label)) return verdict;
  const classes = findClasses(library.models.get(run.spec.modelSha256).manifest.labels, verdict.label);
  const [name] = classes.length === 1 ? classes.map((index) => names[index]) : [];
  return { kind: 'label', label: name ?? verdict.label };
}

function describe(target: ReviewTarget, images: number): string {
  const count = `${images.toLocaleString('en')} ${images === 1 ? 'image' : 'images'}`;
  if (target.kind === 'accept') return `Accept ${count}`;
  if (target.kind === 'clear') return `Clear the review of ${count}`;
  return `Relabel ${count} as ${target.label}`;
}
