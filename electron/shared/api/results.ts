import { z } from 'zod';
import type { Box } from '../engine-api.ts';
import type { Task } from '../model-package.ts';
import type { PictureProblem } from '../picture-problem.ts';
import type { ClassScore, ImageStatus, Receipt, Run } from '../run.ts';
import { imageIds, folderId, imageId, path, runId, share } from './arguments.ts';
import type { HumanBox } from './review.ts';

/**
 * ok: predicted; warned: predicted, but to be taken with care; problem: failed or warned; unverified: predicted, not
 * verified; corrected: verified with another label than the model's; labelled: with a label that is not ''.
 */
export const STATUSES = [
  'ok',
  'failed',
  'warned',
  'problem',
  'pending',
  'verified',
  'unverified',
  'corrected',
  'labelled',
  'blank',
] as const;

/** A folder below a folder of the run: '' for that one itself, else names with '/' between them. */
const directory = z.string().regex(/^(?!\/)(.*[^/])?$/su, 'a folder must not start or end with /');

/** A folder of a run or one below it. */
const folderPlace = z.strictObject({ folderId, path: directory });
export type FolderPlace = z.infer<typeof folderPlace>;

/**
 * Which images of a run are meant; what is left out lets everything through. A label is the person's where there is
 * one, else the model's best: of detections the best one's, of a segmented picture the one with the largest area. An image
 * in which nothing was found is blank, and has the label ''; so it is where no detection has `minScore`. Confidence is the
 * model's in its own label; a blank image has none.
 */
export const resultFilterSchema = z.strictObject({
  labels: z.array(z.string()).optional(),
  minConfidence: share('the smallest confidence').optional(),
  maxConfidence: share('the largest confidence').optional(), // itself included
  /**
   * Images in which one of these classes was found: by the model with at least `minScore`, or, where a person has touched
   * the boxes, among theirs.
   */
  contains: z.array(z.string()).optional(),
  minScore: share('the smallest score').optional(), // of single detections, 0.5 without it; what lies below is not found
  /** Part of the relative path or of the label, in any case. */
  text: z.string().max(1000, 'a text to search for must have at most 1000 characters').optional(),
  status: z
    .enum(STATUSES, `a status must be ${STATUSES.slice(0, -1).join(', ')} or ${STATUSES.at(-1)}`)
    .optional(),
  folderId: folderId.optional(),
  /** The images in it and in all folders below it; of the folder that `folderId` names, else of any. */
  folder: directory.optional(),
  /** Images whose model label differs from the one in another run; with `label`, those that got this one there. */
  differsFrom: z.strictObject({ runId, label: z.string().optional() }).optional(),
  /** Images in a sub-folder named after a class, whose model label is another; with `folder`, of that sub-folder. */
  wrong: z.strictObject({ folder: z.string().optional() }).optional(),
});

const SORTS = [
  ...(['path', 'name', 'captured', 'mostConfident', 'leastConfident', 'hardest', 'easiest'] as const),
  /** By the difference between the confidences of the best two classes, the smallest first. */
  'lowestMargin',
  /**
   * By how much another run contradicts: images with another label there first, of them those first of which both runs
   * are surest; then images with the same label, the largest difference between its two confidences first; last what one
   * of the runs has not predicted.
   */
  'disagreement',
] as const;

export const resultSortSchema = z.enum(
  SORTS,
  `a sort must be ${SORTS.slice(0, -1).join(', ')} or ${SORTS.at(-1)}`,
);

export type ResultFilter = z.infer<typeof resultFilterSchema>;
export type ResultSort = z.infer<typeof resultSortSchema>;

/** Of detections: those below it count as not found, as in the filter; 0.5 without it. */
const minScore = share('the smallest score').optional();

/** Calls about the images of a run and their results. */
export const resultArguments = {
  findImages: z.strictObject({
    runId,
    filter: resultFilterSchema,
    sort: resultSortSchema,
    /** The other run, which the sort `disagreement` needs and no other sort looks at. */
    comparedWith: runId.optional(),
  }),
  resultItems: z.strictObject({
    runId,
    imageIds: imageIds({ max: 1000 }),
    minScore,
  }),
  resultFacets: z.strictObject({
    runId,
    filter: resultFilterSchema,
    open: z.array(folderPlace).max(1000, 'at most 1000 folders can be open').optional(),
  }),
  showImage: z.strictObject({ runId, imageId, minScore }),
  imageMasks: z.strictObject({ runId, imageId }),
  classNames: z.strictObject({ runId }),
  compareRuns: z.strictObject({ runId, otherRunId: runId }),
  comparableRuns: z.strictObject({ runId }),
  evaluateRun: z.strictObject({ runId }),
  evaluateFound: z.strictObject({
    runId,
    /** Of detections: a COCO JSON file of instances. Of segmentation: a folder of PNG maps, by the images' paths. */
    truth: path,
  }),
} as const;

export interface ImageList {
  imageIds: Uint32Array;
  total: number; // images of the run, whatever passes the filter
}

export interface ResultResults {
  /**
   * Ids of the images, in order: cheap enough for all of a large run, so that a list can jump anywhere in it; and how many
   * images the run had at the same moment. Throws BAD_ARGUMENT when the sort needs another run that is not named.
   */
  findImages: ImageList;
  /** In the order asked for; images that are not in the run are left out. */
  resultItems: ResultItem[];
  /** Counts for the filters beside the grid. Each facet counts with the other filters on and its own off. */
  resultFacets: ResultFacets;
  showImage: ImageDetails;
  /**
   * Pixels of what the model found in an image; none for a classifier. Throws NOT_FOUND for an image that is not in the run.
   */
  imageMasks: ImageMasks;
  /** What an image or a box of the run can be called. */
  classNames: ClassNames;
  compareRuns: RunComparison;
  /** Other runs of the same model with another preset that have predicted images of this run; most in common first. */
  comparableRuns: ComparableRun[];
  /** Against the sub-folders that are named after classes. Throws BAD_ARGUMENT when there is none. */
  evaluateRun: RunEvaluation;
  /**
   * What a detection or segmentation model found against what people marked. Throws BAD_ARGUMENT, NOT_FOUND or FILE_SYSTEM
   * when the truth cannot be used.
   */
  evaluateFound: FoundEvaluation;
}

/** Labels to choose among, each list in order; none is in both. */
export interface ClassNames {
  classes: string[]; // of the run's model
  own: string[]; // that people have given beside them
}

export interface ResultItem {
  imageId: number;
  folderId: number;
  relativePath: string;
  status: ImageStatus;
  /** The person's, else the model's. Labels are shown by one name everywhere, and no two classes of a model share one. */
  label: string | undefined;
  modelLabel: string | undefined; // '' where nothing of the least score was found
  confidence: number | undefined; // in `modelLabel`; undefined of a blank image
  verified: boolean;
  error: string | undefined; // why it failed, in one sentence
  warning: string | undefined; // why the result is to be taken with care, in one sentence
  /** Either of them by its code; undefined also for a failure from before there were codes. */
  problem: PictureProblem | undefined;
  /** Share of the model's scans that ran, 0 to 1: how hard the image was. */
  work: number | undefined;
  width: number | undefined; // of the upright picture, pixels
  height: number | undefined;
  /** The best boxes of a detection model, or a person's, to draw on a thumbnail; empty for other models. */
  boxes: ItemBox[];
}

export interface ItemBox extends Box {
  // of the picture's sides, 0 to 1
  label: string;
  score: number | undefined; // undefined: a person's
}

export interface ResultFacets {
  total: number; // images that pass the whole filter
  reviewed: number; // images of the run that people have said something of, whatever the filter
  labels: { label: string; count: number }[]; // most frequent first
  /** Counts of images by confidence in equal bins from 0 to 1. */
  confidence: number[];
  status: Record<Exclude<(typeof STATUSES)[number], 'warned'>, number>;
  /**
   * The folders of the run, each followed by what lies in it while it is open: the only folder of a run always is, and those
   * above the folder of the filter.
   */
  folders: FacetFolder[];
  /**
   * Images in which a class was found by a detection or segmentation model with at least the filter's `minScore` (0.5
   * without one), or by a person who has touched the boxes; most frequent first, empty for classifiers.
   */
  found: { label: string; count: number }[];
}

/** A row of the tree of folders. */
export interface FacetFolder extends FolderPlace {
  name: string;
  depth: number; // 0 for a folder of the run
  images: number; // in it and below it
  isOpen: boolean;
  hasFolders: boolean;
}

/** What a person said of an image among other classes, that are classes of this model too; no review of this run. */
export interface Suggestion {
  label: string;
  boxes: HumanBox[] | undefined; // of a detection model, where a person marked any
}

export interface ImageDetails {
  item: ResultItem;
  path: string; // absolute
  fileSize: number; // bytes
  modifiedMs: number;
  capturedAt: string | undefined; // YYYY-MM-DDTHH:MM:SS, the camera's clock
  capturedOffset: string | undefined; // of that clock from UTC, +HH:MM or -HH:MM
  top: ClassScore[]; // the five best
  humanLabel: string | undefined;
  reviewedBy: string | undefined; // who gave the review, where it was read from a file
  suggestion: Suggestion | undefined; // where there is no review
  receipt: Receipt | undefined;
  task: Task;
  /** Everything that a detection model found, best first. */
  detections: FoundBox[];
  /** The boxes as a person has left them; undefined where nobody has touched them. */
  humanBoxes: HumanBox[] | undefined;
  /** The classes in a segmented picture, largest first. */
  regions: { classIndex: number; label: string; share: number }[]; // of the picture's area
  /**
   * How the model sees the picture: patches per side of a square, and its squares in pixels of the upright picture, which
   * may reach beyond it: a classifier's centre crop, the windows of a segmentation model in the order of the receipt, all
   * of the picture for a detection model. Empty while its size is unknown.
   */
  patchGrid: number;
  crops: { x: number; y: number; size: number }[];
  tokensPerStage: number[]; // patches before any pruning, then after each stage
  depth: number; // layers
  blockSelection: boolean;
  run: Run;
}

/** A detection of the run, by its rank in the order of scores. */
export interface FoundBox extends Box {
  number: number;
  classIndex: number;
  label: string;
  score: number; // of a run that finds first both scores, one times the other
  maskArea: number; // pixels
  finder?: FinderSays; // of a run that finds first
}

/** What the finder said of a box, and the classifier's score in its label. */
export interface FinderSays {
  label: string; // the finder's, as it is shown
  score: number; // 0 to 1
  labelScore: number | undefined; // undefined where the finder's label was kept
}

export interface ImageMasks {
  width: number; // of the upright picture, pixels
  height: number;
  /** Of a detection model, `number` is the detection's; of a segmentation model, the class's. */
  masks: { number: number; classIndex: number; label: string; counts: string }[]; // counts: see Mask
}

/** Average precision as COCO defines it, shares from 0 to 1; undefined where there is nothing of that size. */
export interface AveragePrecision {
  ap: number | undefined; // mean over IoU .50 to .95
  ap50: number | undefined;
  ap75: number | undefined;
  small: number | undefined; // area below 32 x 32 pixels
  medium: number | undefined;
  large: number | undefined; // above 96 x 96
  classes: { label: string; ap: number | undefined; objects: number }[];
}

export type FoundEvaluation = {
  images: number; // compared
  /** What of the truth could not be used, in sentences: images that are not in the run, unknown classes. */
  notices: string[];
} & (
  | { task: 'detection'; box: AveragePrecision; mask: AveragePrecision | undefined } // mask: where the truth has masks
  | {
      task: 'segmentation';
      meanIou: number; // over the classes that occur
      pixelAccuracy: number;
      classes: { label: string; iou: number | undefined; pixels: number }[];
    }
);

export interface ComparableRun {
  run: Run;
  images: number; // predicted in both runs
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
  blockKeep: number | undefined; // share of scan directions that ran; undefined of another tool
  classes: { folder: string; images: number; top1: number; top5: number }[];
  /** How often images of a folder got a label; pairs that never occurred are left out. */
  confusion: { folder: string; label: string; count: number; right: boolean }[];
}
