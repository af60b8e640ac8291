import { z } from 'zod';
import type { Skipped } from '../label-skips.ts';
import type { Task } from '../model-package.ts';
import { path, runId, share } from './arguments.ts';
import type { ReviewHistory } from './review.ts';

const text = (what: string) =>
  z.string().trim().min(1, `${what} must not be empty`).max(200, `${what} must have at most 200 characters`);

/** Columns of a table in place of those that are found by their names; null where a table has none of its kind. */
export const labelColumnsSchema = z.strictObject({
  file: text('a column').optional(),
  label: text('a column').optional(),
  score: text('a column').nullable().optional(),
  /** Left, upper, width and height of the box, in this order, or with `corners` left, upper, right and lower. */
  box: z.array(text('a column')).length(4, 'a box needs four columns').nullable().optional(),
  corners: z.boolean().optional(),
});
export type LabelColumns = z.infer<typeof labelColumnsSchema>;

/** What the labels become. */
export const labelPurposeSchema = z.discriminatedUnion('kind', [
  /** Reviews that somebody gave elsewhere, beside the labels of a run; without one, of the run that fits best. */
  z.strictObject({
    kind: z.literal('reviews'),
    by: text('a name'),
    runId: runId.optional(),
    replace: z.boolean().optional(), // also what others have said of the images
  }),
  /** A run of another tool. */
  z.strictObject({ kind: z.literal('run'), tool: text('the name of a tool') }),
]);
export type LabelPurpose = z.infer<typeof labelPurposeSchema>;

const labelRequest = z.strictObject({
  path, // of the file or folder
  folder: path, // whose images it is about
  format: z.string().optional(), // a name of core/labels/formats.ts; told by the content without it
  purpose: labelPurposeSchema,
  /** Whether masks are objects or areas of classes; told by the content without it. */
  task: z.enum(['detection', 'segmentation']).optional(),
  /** What classes of the file become here: '' stands for nothing in the image, null leaves them out. */
  classes: z.record(z.string(), z.string().trim().nullable()).optional(),
  columns: labelColumnsSchema.optional(),
  /** Of boxes, the finder's where there are two; without it as core/labels/least-score.ts says. */
  minScore: share('the smallest score').optional(),
});
export type LabelRequest = z.infer<typeof labelRequest>;

const labelTableQuestion = z.strictObject({
  path,
  format: labelRequest.shape.format,
  purpose: z.enum(['run', 'reviews'], 'labels become a run or reviews'),
});
export type LabelTableQuestion = z.infer<typeof labelTableQuestion>;

/** Calls that read what others made: labels, boxes and masks. */
export const labelArguments = {
  labelTable: labelTableQuestion,
  inspectLabels: labelRequest,
  importLabels: labelRequest,
  cancelLabels: z.strictObject({}),
} as const;

export interface LabelResults {
  /** The columns of a file that is a table, or of the one in a folder or an archive of tables; undefined of what is none. */
  labelTable: LabelTable | undefined;
  /** What an import would do; changes nothing. */
  inspectLabels: LabelReport;
  /**
   * Reads all of it in, or nothing: as a new run of another tool, or as one step that undo takes back. A folder that is not
   * in the library yet is taken in and scanned.
   */
  importLabels: ImportedLabels;
  /** Ends what is under way: its call is rejected with CANCELLED, and nothing has come in. */
  cancelLabels: undefined;
}

export interface LabelTable {
  columns: string[]; // as the header has them, in their order
  found: LabelColumns; // by their names, what an import takes where nothing else is said
}

/** How the entries of a file found their images. */
export interface LabelMatch {
  /**
   * By the whole path in the folder; by as many folders at the end of both paths as agree; or by the file name alone, which
   * one image and one entry have.
   */
  way: 'path' | 'tail' | 'name';
  entries: number;
  example: { theirs: string; ours: string };
}

/** A class of the file. */
export interface LabelClass {
  name: string;
  becomes: string | null; // '' for nothing in the image, null where it is left out
  isKnown: boolean; // to the run that the reviews stand beside; of a run: always
  stated: number; // labels and boxes of it in the file
  labels: number; // of them that come in: images that have it as their label
  boxes: number; // of them that come in: boxes and areas
}

/** What is in a file of labels, and what of it comes in. */
export interface LabelReport {
  format: string;
  task: Task;
  entries: number; // images that the file is about
  matches: LabelMatch[];
  unmatched: { count: number; names: string[] }; // the first twenty
  /** Images of the folder that the file says nothing of. */
  uncovered: number;
  classes: LabelClass[]; // most frequent first
  images: number; // that get a result or a review
  blank: number; // of them: with nothing in them
  failed: number; // of them: that the other tool could not read
  labels: number; // labels of whole images that come in
  boxes: number;
  masks: number;
  minScore: number; // the smallest score of boxes that come in
  skipped: Skipped[];
  notices: string[]; // sentences about the file as a whole
  /** Of reviews: the run whose classes they are given in, and images that somebody else has reviewed otherwise. */
  reviews: { runId: number; model: string; kept: number } | undefined;
}

export interface ImportedLabels {
  report: LabelReport;
  runId: number; // the new run, or the one that the reviews stand beside
  changed: number; // images that have another review now; of a run: its images
  history: ReviewHistory;
}

export interface LabelEvent {
  type: 'importingLabels';
  phase: 'reading' | 'sizes' | 'saving';
  done: number;
  total: number; // bytes, pictures, images; 0 while it is not known
}
