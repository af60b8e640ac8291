import type { Task } from './model-package.ts';

/**
 * Of the large matrix products: 32-bit floats; bfloat16; or 8-bit integers for in_proj and out_proj and bfloat16 for the
 * rest. Block decisions, token choices, scan states and the residual stream are 32-bit floats always.
 */
export const PRECISIONS = ['fp32', 'bf16', 'int8'] as const;
export type Precision = (typeof PRECISIONS)[number];

/** Dynamic settings of a prediction: how much of the model an image may use. */
export interface Preset {
  name: string; // 'fast', 'balanced', 'accurate' or 'custom'
  /** Token keep ratio of each pruning stage, relative to the patches before any pruning; empty without pruning. */
  tokenKeep: number[];
  /** A scan direction runs where sigmoid(its logit) is above this. */
  blockThreshold: number;
  precision: Precision;
  /** Side in pixels that a segmentation or detection model sees its pictures at, where it is not the trained one. */
  inputSize?: number | undefined;
}

/** What a detection model keeps of what it finds. */
export interface DetectionSettings {
  minScore: number; // 0 to 1; low ones are kept, so that a threshold can be a view
  nmsIou: number; // of two boxes of a class that overlap more, the better one stays
  maxDetections: number; // per image
}

interface CommonSpec {
  folders: string[]; // absolute real paths, sorted, none inside another
  modelName: string;
  modelSha256: string;
}

/** What an image is called by the labels of its boxes: by the best box's; by that which most boxes have; by all of them. */
export const LABEL_RULES = ['best', 'most', 'all'] as const;
export type LabelRule = (typeof LABEL_RULES)[number];

/**
 * What comes before the model of a run, which then labels boxes and not whole pictures. `modelSha256` of the run itself stands
 * for both together: its classes are the classifier's and those of the finder that are passed through.
 */
export interface FindSpec {
  /** Who found the boxes: a detection model, or another tool. */
  modelName: string;
  modelSha256: string;
  /** How the model finds them, in a run of its own that goes first; undefined where the boxes are those of another run. */
  predicted?: { preset: Preset; detection: DetectionSettings } | undefined;
  /** The run whose boxes are taken as they are. */
  run?: { id: number; createdAt: string } | undefined;
  minScore: number; // of a box to be labelled, 0 to 1; others are left out
  margin: number; // added on every side of a box before it is cut out, as a share of its longer side
  rule: LabelRule;
  pass: string[]; // kinds that keep the finder's label, in order
  classifierSha256: string;
}

/** What a run of a model is: folders, the model by its content, a preset, a device. Equal specs are the same run. */
export interface PredictedSpec extends CommonSpec {
  preset: Preset;
  device: string;
  detection?: DetectionSettings | undefined; // of a detection model
  slideStride?: number | undefined; // of a segmentation model: pixels between two windows at the trained image size
  find?: FindSpec | undefined; // of a run that finds first
  imported?: undefined;
}

/** Where the results of another tool's run were read from. */
export interface ImportedFrom {
  path: string; // absolute, of the file or folder
  format: string; // a name of core/labels/formats.ts
  task: Task;
  shownScore?: number | undefined; // from which on boxes count as found, where the file says so
}

/** What another tool's run found before a classifier labelled it, as far as its file says so. */
export interface ImportedFind extends Pick<
  FindSpec,
  'modelName' | 'modelSha256' | 'minScore' | 'rule' | 'pass' | 'classifierSha256'
> {
  predicted?: undefined;
  run?: undefined;
  margin?: undefined;
}

/** A run of another tool, whose name is the model's: it has no preset and no device, and is never predicted. */
export interface ImportedSpec extends CommonSpec {
  imported: ImportedFrom;
  preset?: undefined;
  device?: undefined;
  detection?: undefined;
  slideStride?: undefined;
  find?: ImportedFind | undefined; // of a run whose boxes two models have scored
}

/** What a run is: of a model here, or of another tool. */
export type RunSpec = PredictedSpec | ImportedSpec;

/** Narrows what has the spec of a run to one of a model here. */
export interface Predicted {
  spec: PredictedSpec;
}

export function isPredicted<Of extends { spec: RunSpec }>(run: Of): run is Of & Predicted {
  return run.spec.imported === undefined;
}

export type RunState = 'queued' | 'scanning' | 'running' | 'paused' | 'done' | 'failed';

export interface Run {
  id: number;
  spec: RunSpec;
  state: RunState;
  /** Another Winnow is at work on it: it can be paused there. */
  elsewhere: boolean;
  createdAt: string; // ISO 8601
  finishedAt: string | undefined;
  counts: RunCounts;
  /** Predicted images in which the model found nothing; of detections: nothing from the score of shownScore on. */
  blank: number;
  /** What became of its devices: a sentence each, in the order of happening. */
  notes: string[];
  /** Why it failed, or was paused without a person, in sentences. */
  reason: string | undefined;
}

/** Images of a run that have a label: those that are predicted without the blank ones. */
export const countLabelled = ({ counts, blank }: Pick<Run, 'counts' | 'blank'>): number => counts.ok - blank;

export interface RunCounts {
  total: number;
  pending: number;
  ok: number;
  failed: number;
}

/** Images of one folder of a run. */
export interface FolderCounts {
  path: string; // absolute
  total: number;
  done: number; // predicted or failed
}

export interface RunProgress extends RunCounts {
  runId: number;
  phase: 'scanning' | 'predicting' | 'done';
  /** Of the predicted images those in which nothing was found, as in Run. */
  blank: number;
  imagesPerSecond: number; // over the last seconds of this session
  secondsLeft: number | undefined; // unknown while scanning, and while it is not known how many boxes there will be
  /** Of a run that finds first: the pictures that its boxes are found in, and the boxes so far known; done and in all. */
  stages?: Record<'found' | 'labelled', { done: number; total: number }> | undefined;
  /** Those of the run as far as they are known: their sums are the counts. */
  folders: FolderCounts[];
}

/** What computing one prediction took. */
export interface Receipt {
  /** One byte per block; bit 0: the forward scan ran, bit 1: the backward scan ran. Of segmentation, window by window. */
  directions: Uint8Array;
  /** One byte per patch in raster order: the number of pruning stages that it survived. Of segmentation, window by window. */
  survived: Uint8Array;
  milliseconds: number; // the batch's engine time divided by its images
}

export interface ClassScore {
  label: string;
  classIndex: number;
  confidence: number; // 0 to 1
}

export type ImageStatus = 'pending' | 'ok' | 'failed';

export interface Device {
  name: string;
  description: string;
  available: boolean;
  reason: string | undefined;
  precisions: Precision[]; // that it computes natively, most exact first
  gpu?: GpuFacts | undefined; // of a GPU
}

export interface GpuFacts {
  id: string; // stays with it when others are added or removed
  backend: GpuBackend;
  driver: string; // "driver 580.65, CUDA 13.0"
  products: string; // what multiplies matrices
  memoryBytes: number;
  freeBytes: number;
}

/** GPUs of one maker, and how it is written. As a device, `cuda` stands for all GPUs of it that can be used. */
export const GPU_BACKENDS = { cuda: 'CUDA', metal: 'Metal' } as const;
export type GpuBackend = keyof typeof GPU_BACKENDS;

/** Whether a device's name is a GPU's, there or not, or stands for all of a backend. */
export function isGpu(device: string): boolean {
  return Object.hasOwn(GPU_BACKENDS, device.split(':', 1)[0] ?? '');
}

/** Of what a device computes natively, the nearest to what was asked for; undefined when there is none. */
export function nearestPrecision(
  wanted: Precision,
  { precisions }: Pick<Device, 'precisions'>,
): Precision | undefined {
  const distance = (other: Precision) => Math.abs(PRECISIONS.indexOf(other) - PRECISIONS.indexOf(wanted));
  return [...precisions].sort((one, other) => distance(one) - distance(other))[0];
}
