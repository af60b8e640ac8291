import { z } from 'zod';
import { imageId, runId } from './arguments.ts';

/** What a person says about images. */
const verdict = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('accept') }), // the model's label is right
  z.strictObject({ kind: z.literal('label'), label: z.string().trim().min(1, 'a label must not be empty') }),
  z.strictObject({ kind: z.literal('clear') }), // as if never reviewed
]);
export type Verdict = z.infer<typeof verdict>;

/**
 * Calls of the review. A review belongs to an image, not to a run: it stays beside every model's label and no run
 * changes it.
 */
export const reviewArguments = {
  review: z.strictObject({
    runId,
    imageIds: z.array(imageId).min(1, 'at least one image must be named'),
    verdict,
  }),
  undoReview: z.strictObject({}),
  redoReview: z.strictObject({}),
  reviewHistory: z.strictObject({}),
} as const;

export interface ReviewResults {
  /**
   * All of it is saved, or nothing. Accepting passes over images without a prediction. A label that names one class of
   * the run's model, however it is written, becomes that class's. Throws NOT_FOUND for an image that is not in the run.
   */
  review: ReviewChange;
  /** Takes back the last change that was made since the start of the app; undefined when there is none left. */
  undoReview: ReviewChange | undefined;
  redoReview: ReviewChange | undefined;
  reviewHistory: ReviewHistory;
}

export interface ReviewChange {
  /** In words, such as `Relabel 12 images as fox`. */
  description: string;
  imageIds: number[]; // whose review is different now; without any it was no step, and nobody is told
  history: ReviewHistory;
}

/** Descriptions of what undo and redo would do; undefined where there is nothing. */
export interface ReviewHistory {
  undo: string | undefined;
  redo: string | undefined;
}

export type ReviewEvent = { type: 'reviewed'; imageIds: number[]; history: ReviewHistory };
