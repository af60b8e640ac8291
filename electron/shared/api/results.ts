import { z } from 'zod';
import type { ClassScore, ImageStatus, Receipt, Run } from '../run.ts';
import { folderId, imageId, runId, share } from './arguments.ts';

/**
 * Which images of a run are meant; what is left out lets everything through. A label is the person's where there is
 * one, else the model's best. Confidence is the model's in its best class.
 */
export const resultFilterSchema = z.strictObject({
  labels: z.array(z.string()).optional(),
  minConfidence: share('the smallest confidence').optional(),
  maxConfidence: share('the largest confidence').optional(), // itself included
  /** Part of the relative path or of the label, in any case. */
  text: z.string().max(1000, 'a text to search for must have at most 1000 characters').optional(),
  status: z
    .enum(
      ['ok', 'failed', 'pending', 'verified', 'unverified', 'corrected'],
      'a status must be ok, failed, pending, verified, unverified or corrected',
    )
    .optional(), // unverified: predicted, not verified; corrected: verified with another label than the model's
  folderId: folderId.optional(),
  /** Images whose model label differs from the one in another run; with `label`, those that got this one there. */
  differsFrom: z.strictObject({ runId, label: z.string().optional() }).optional(),
  /** Images in a sub-folder named after a class, whose model label is another; with `folder`, of that sub-folder. */
  wrong: z.strictObject({ folder: z.string().optional() }).optional(),
});

export const resultSortSchema = z.enum(
  ['path', 'name', 'captured', 'mostConfident', 'leastConfident', 'hardest', 'easiest'],
  'a sort must be path, name, captured, mostConfident, leastConfident, hardest or easiest',
);

export type ResultFilter = z.infer<typeof resultFilterSchema>;
export type ResultSort = z.infer<typeof resultSortSchema>;

/** Calls about the images of a run and their results. */
export const resultArguments = {
  findImages: z.strictObject({ runId, filter: resultFilterSchema, sort: resultSortSchema }),
  resultItems: z.strictObject({
    runId,
    imageIds: z.array(imageId).max(1000, 'at most 1000 images are described at once'),
  }),
  resultFacets: z.strictObject({ runId, filter: resultFilterSchema }),
  showImage: z.strictObject({ runId, imageId }),
  classNames: z.strictObject({ runId }),
  compareRuns: z.strictObject({ runId, otherRunId: runId }),
  evaluateRun: z.strictObject({ runId }),
} as const;

export interface ResultResults {
  /** Ids of the images, in order: cheap enough for all of a large run, so that a list can jump anywhere in it. */
  findImages: { imageIds: Uint32Array };
  /** In the order asked for; images that are not in the run are left out. */
  resultItems: ResultItem[];
  /** Counts for the filters beside the grid. Each facet counts with the other filters on and its own off. */
  resultFacets: ResultFacets;
  showImage: ImageDetails;
  /** Names of the model's classes and of labels that people have given, in order. */
  classNames: string[];
  compareRuns: RunComparison;
  /** Against the sub-folders that are named after classes. Throws BAD_ARGUMENT when there is none. */
  evaluateRun: RunEvaluation;
}

export interface ResultItem {
  imageId: number;
  folderId: number;
  relativePath: string;
  status: ImageStatus;
  /** The person's, else the model's. Labels are shown by one name everywhere, and no two classes of a model share one. */
  label: string | undefined;
  modelLabel: string | undefined;
  confidence: number | undefined;
  verified: boolean;
  error: string | undefined;
  /** Share of the model's scans that ran, 0 to 1: how hard the image was. */
  work: number | undefined;
  width: number | undefined; // of the upright picture, pixels
  height: number | undefined;
}

export interface ResultFacets {
  total: number; // images that pass the whole filter
  labels: { label: string; count: number }[]; // most frequent first
  /** Counts of images by confidence in equal bins from 0 to 1. */
  confidence: number[];
  status: Record<'ok' | 'failed' | 'pending' | 'verified' | 'unverified' | 'corrected', number>;
}

export interface ImageDetails {
  item: ResultItem;
  path: string; // absolute
  fileSize: number; // bytes
  modifiedMs: number;
  capturedAt: string | undefined; // ISO 8601 without a zone
  top: ClassScore[]; // the five best
  humanLabel: string | undefined;
  receipt: Receipt | undefined;
  /** How the model sees the picture: patches per side of the square centre crop, and that crop in the upright picture. */
  patchGrid: number;
  crop: { x: number; y: number; size: number } | undefined; // pixels of the upright picture
  tokensPerStage: number[]; // patches before any pruning, then after each stage
  depth: number; // layers
  blockSelection: boolean;
  run: Run;
}

export interface RunComparison {
  images: number; // predicted in both runs
  agreeing: number;
  onlyInFirst: number;
  onlyInSecond: number;
  /** Pairs of labels that differ, most frequent first. */
  differences: { label: string; otherLabel: string; count: number }[];
}

export interface RunEvaluation {
  images: number; // predicted, in a sub-folder that is a class
  ignored: number; // outside such sub-folders
  top1: number; // shares, 0 to 1
  top5: number;
  blockKeep: number; // share of scan directions that ran
  classes: { folder: string; images: number; top1: number; top5: number }[];
  /** How often images of a folder got a label; pairs that never occurred are left out. */
  confusion: { folder: string; label: string; count: number; right: boolean }[];
}
