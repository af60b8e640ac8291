import { z } from 'zod';
import type { CalibratedPreset, CalibrationProgress, Expectation } from '../calibration.ts';
import type { ModelPackage } from '../model-package.ts';
import type { PictureProblem } from '../picture-problem.ts';
import type { Device, FolderCounts, Predicted, Preset, Run, RunProgress } from '../run.ts';
import { batch, dialShape, findShape, onlyCheck, path, runId, threads } from './arguments.ts';

const folders = z.array(path).min(1, 'at least one folder must be named');

/** Calls about runs: starting, queueing, pausing, and what is known of them. */
export const runArguments = {
  run: z.strictObject({ folders, ...dialShape, find: findShape.optional() }),
  resume: z.strictObject({ runId, threads: threads.optional(), batch: batch.optional() }),
  cancel: z.strictObject({ runId }),
  estimateRun: z.strictObject({ folders, ...dialShape, find: findShape.optional() }),
  queueRun: z.strictObject({
    folders,
    ...dialShape,
    find: findShape.optional(),
    start: z.boolean().optional(), // false: only queue it; the queue goes on when it is told to
  }),
  queueResume: z.strictObject({ runId }),
  moveInQueue: z.strictObject({ runId, position: z.int('a position in the queue is a whole number').min(0) }),
  leaveQueue: z.strictObject({ runId }),
  showQueue: z.strictObject({}),
  listRuns: z.strictObject({}),
  showRun: z.strictObject({ runId }),
  removeRun: z.strictObject({ runId, onlyCheck }),
  devices: z.strictObject({ again: z.boolean().optional() }), // also those that have not passed their trial
} as const;

export interface RunResults {
  /** Scans the folders and predicts what is new or changed; ends when the run is done or was cancelled. */
  run: Run;
  /** Goes on with a run that was cancelled, failed or killed. */
  resume: Run;
  /**
   * Lets the run finish the batches under way and save them; its `run` call then ends with state 'paused'. A queue that
   * it was started by halts.
   */
  cancel: undefined;
  /** What a run would take, before it starts: the speed-accuracy curve of the model on this machine, in this folder. */
  estimateRun: RunEstimate;
  /** Like `run`, but comes back at once: the run starts when those before it in the queue have ended. */
  queueRun: Run;
  /**
   * Like `resume`, but comes back at once: the run is the next to start. A run that waits keeps its place. Either way a
   * halted queue goes on.
   */
  queueResume: Run;
  moveInQueue: QueueState;
  /** Takes a run that waits out of the queue; it can be resumed. */
  leaveQueue: QueueState;
  showQueue: QueueState;
  listRuns: Run[];
  showRun: RunDetails;
  /** Forgets a run and its results; reviews stay with the images. Throws BAD_ARGUMENT while it is under way. */
  removeRun: undefined;
  /** All that models can be computed on, usable or not; a GPU that was never used is tried first. */
  devices: Device[];
}

/** The runs that are under way or wait; the queue is kept in the library and goes on after a restart when told to. */
export interface QueueState {
  /** The run under way in this process; undefined when none is. */
  current: RunProgress | undefined;
  /** Runs that wait, in their order. */
  waiting: Run[];
  /** Why none of those that wait is started, as one sentence; undefined while the queue goes on or is empty. */
  halted: string | undefined;
}

/** One point of the dial. */
export interface DialPoint {
  preset: Preset;
  /** Names among Fast, Balanced and Accurate that stand for this point. */
  names: CalibratedPreset[];
  /** Work per image relative to all tokens and all scan directions. */
  workShare: number;
  /** Measured on this machine; undefined without a calibration. */
  expected: Expectation | undefined;
  /** Images of the folders without a current result of a run at this point; undefined when a folder was never scanned. */
  pending: number | undefined;
  /** For the pending images, from `expected`; undefined without it or when their number is not known. */
  seconds: number | undefined;
}

export interface RunEstimate {
  model: ModelPackage;
  device: string;
  /** Images in the folders as the library knows them; undefined when one was never scanned. */
  images: number | undefined;
  /** The preset that the request stands for. */
  chosen: DialPoint;
  /** From fast to accurate; the three presets are always among them. */
  points: DialPoint[];
  /** Why there is no measured curve, as one sentence; undefined when there is one. */
  uncalibrated: string | undefined;
}

/** What is known of a run's preset before it starts, or why nothing is. */
export type Outlook = { expected: Expectation } | { unknown: string };

/** What a run uses, told before it starts. */
export interface RunPlan {
  run: Run & Predicted;
  bundledModel: boolean;
  /** Work per image relative to the whole model: all tokens, all scan directions; at the trained block keep ratio. */
  workShare: number;
  /** What the calibration says of this preset, or why it says nothing. */
  outlook: Outlook;
  threads: number;
  /** Images that are predicted and saved together; undefined when the number finds itself. */
  batch: number | undefined;
}

export type RunFindings =
  | {
      task: 'detection';
      minScore: number; // objects below it are not counted
      objects: number;
      classes: { label: string; objects: number }[]; // most frequent first
    }
  | { task: 'segmentation'; classes: { label: string; share: number }[] }; // of the area of all pictures, largest first

/** What people have said of the images of a run. */
export interface ReviewCounts {
  verified: number; // images with a person's label
  corrected: number; // of them: with another label than the model's
}

/** What was wrong with a file: in one English sentence, and by its code (see ResultItem). */
export interface ToldProblem {
  path: string; // absolute
  error: string;
  problem: PictureProblem | undefined;
}

export interface RunDetails {
  run: Run;
  /** Best classes, most frequent first. */
  labels: { label: string; count: number }[];
  /** What a detection or segmentation model found in all images; undefined of a classifier. */
  found: RunFindings | undefined;
  reviewed: ReviewCounts;
  /** The first failed files. */
  failures: ToldProblem[];
  warned: number; // images with a result that is to be taken with care
  /** The first of them. */
  warnings: ToldProblem[];
  folders: FolderCounts[];
  /**
   * Files in the folders at their last scans that are no pictures Winnow reads, by kind: the extension in lower case, ''
   * without one; most frequent first.
   */
  unread: { kind: string; count: number }[];
}

export type RunEvent =
  | { type: 'started'; plan: RunPlan }
  | { type: 'progress'; progress: RunProgress }
  /** Some of the images that were just saved. */
  | { type: 'labelled'; runId: number; images: { imageId: number; label: string; confidence: number }[] }
  /** A run of the queue ended: as `run.state` says, with the reason when it failed. */
  | { type: 'ended'; run: Run; error: string | undefined }
  | { type: 'queue'; queue: QueueState }
  | { type: 'scanning'; path: string; files: number; total?: number } // total: where all files are found, and read now
  | { type: 'calibrating'; progress: CalibrationProgress }
  | { type: 'notice'; message: string; runId?: number }; // runId: the run that it is about
