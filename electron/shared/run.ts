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
}

/** What a run is: folders, a model by content, a preset, a device. Equal specs are the same run. */
export interface RunSpec {
  folders: string[]; // absolute real paths, sorted, none inside another
  modelName: string;
  modelSha256: string;
  preset: Preset;
  device: string;
}

export type RunState = 'queued' | 'scanning' | 'running' | 'paused' | 'done' | 'failed';

export interface Run {
  id: number;
  spec: RunSpec;
  state: RunState;
  createdAt: string; // ISO 8601
  finishedAt: string | undefined;
  counts: RunCounts;
}

export interface RunCounts {
  total: number;
  pending: number;
  ok: number;
  failed: number;
}

export interface RunProgress extends RunCounts {
  runId: number;
  phase: 'scanning' | 'predicting' | 'done';
  imagesPerSecond: number; // over the last seconds of this session
  secondsLeft: number | undefined; // unknown while scanning
}

/** What computing one prediction took. */
export interface Receipt {
  /** One byte per block; bit 0: the forward scan ran, bit 1: the backward scan ran. */
  directions: Uint8Array;
  /** One byte per patch in raster order: the number of pruning stages that it survived. */
  survived: Uint8Array;
  milliseconds: number; // the batch's engine time divided by its images
}

export interface ClassScore {
  label: string;
  classIndex: number;
  confidence: number; // softmax, 0 to 1
}

export interface Prediction {
  task: 'classification';
  top: ClassScore[]; // the five best, best first (fewer when the model has fewer classes)
  receipt: Receipt;
}

export type ImageStatus = 'pending' | 'ok' | 'failed';

/** One image of a run. */
export interface ImageRecord {
  imageId: number;
  folder: string; // absolute
  relativePath: string; // with forward slashes, relative to folder
  fileSize: number; // bytes
  modifiedMs: number; // whole milliseconds
  width: number | undefined; // of the upright picture, pixels
  height: number | undefined;
  capturedAt: string | undefined; // EXIF DateTimeOriginal as ISO 8601 without a zone
  status: ImageStatus;
  prediction: Prediction | undefined;
  error: string | undefined; // one sentence
}

export interface Device {
  name: string;
  description: string;
  available: boolean;
  reason: string | undefined;
  precisions: Precision[]; // that it computes natively, most exact first
}
