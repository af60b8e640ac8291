import { z } from 'zod';
import { imageIds, runId, share } from './arguments.ts';

const pixels = z.number('a box must have numbers');

/** A box that a person has left in an image: a detection that was right, one that was corrected, or one of their own. */
export const humanBoxSchema = z.strictObject({
  label: z.string().trim().min(1, 'a label must not be empty'),
  x: pixels.min(0, 'a box must lie in the picture'), // pixels of the upright picture
  y: pixels.min(0, 'a box must lie in the picture'),
  width: pixels.gt(0, 'a box must have a width'),
  height: pixels.gt(0, 'a box must have a height'),
  /** The detection of a run that it was, which lends it its mask while the box is unmoved. */
  detection: z.strictObject({ runId, number: z.int().nonnegative() }).optional(),
});
export type HumanBox = z.infer<typeof humanBoxSchema>;

/** What a person says about images. */
const verdict = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('accept') }), // the model's label is right
  z.strictObject({ kind: z.literal('label'), label: z.string().trim().min(1, 'a label must not be empty') }),
  z.strictObject({ kind: z.literal('clear') }), // as if never reviewed
  /** All boxes of one image; none when there is nothing in it. The first gives the image its label. */
  z.strictObject({ kind: z.literal('boxes'), boxes: z.array(humanBoxSchema).max(10_000) }),
]);
export type Verdict = z.infer<typeof verdict>;

/**
 * Calls of the review. A review belongs to an image, not to a run: it stays beside every model's label and no run
 * changes it.
 */
export const reviewArguments = {
  review: z.strictObject({
    runId,
    imageIds: imageIds({ min: 1 }),
    verdict,
    minScore: share('the smallest score').optional(), // of the boxes that are accepted; 0.5 without it
  }),
  undoReview: z.strictObject({}),
  redoReview: z.strictObject({}),
  reviewHistory: z.strictObject({}),
} as const;

export interface ReviewResults {
  /**
   * All of it is saved, or nothing. Accepting passes over images without a prediction. A label that names one class of
   * the run's model, however it is written, becomes that class's. Accepting an image of a detection model accepts its boxes
   * of at least the view's score. Throws NOT_FOUND for an image that is not in the run.
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
