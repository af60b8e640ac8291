import type { PictureProblem } from './picture-problem.ts';
import type { DetectionSettings, Device, Precision, Receipt } from './run.ts';

/** The model that the engine predicts with until the next `open`. */
export interface EngineModel {
  packagePath: string;
  device: string;
  precision: Precision;
  threads: number; // of the engine; decoding shares them
  input: ModelInput;
}

/** What the engine wants of whoever asks it to predict with the model that is open. */
export interface OpenedModel {
  /** Batches that keep all of its devices busy: on each one is decoded while another is predicted. */
  batchesUnderWay: number;
}

/** What a model's task makes of a picture before the model sees it; lengths in pixels. */
export type ModelInput =
  | { task: 'classification'; resize: number; crop: number }
  /** The shorter side becomes `size`, the longer at most 4 `size`; windows of `size` x `size` slide over it. */
  | { task: 'segmentation'; size: number }
  /** The longer side becomes `size`. */
  | { task: 'detection'; size: number };

/** Settings of one batch; see Preset. */
export interface EngineDial {
  tokenKeep: readonly number[];
  blockThreshold: number;
  /** Of segmentation models: pixels from one window to the next, at the model's own image size. */
  slideStride?: number | undefined;
  /** Of detection models. */
  detection?: DetectionSettings | undefined;
  /** The most crops of pictures that are predicted at a time; all of a call where it is left out. */
  cropsAtOnce?: number | undefined;
}

/** Parts of a picture that a classifier is to see each as a picture of its own. */
export interface PictureCrops {
  path: string;
  crops: readonly Box[]; // in pixels of the upright picture; at least one
}

/** What is predicted: the picture in a file, or parts of it. */
export type WantedPicture = string | PictureCrops;

/** The file that a picture lies in. */
export const pathOfWanted = (wanted: WantedPicture): string =>
  typeof wanted === 'string' ? wanted : wanted.path;

/** How many pictures the model sees of it. */
export const countSeen = (wanted: WantedPicture): number =>
  typeof wanted === 'string' ? 1 : wanted.crops.length;

/** What the engine found out about a file, as far as it got. */
export interface ImageFacts {
  /** The version of the file that was read; undefined when it could not be read at all. */
  version: { fileSize: number; modifiedMs: number } | undefined;
  width: number | undefined; // of the upright picture, pixels
  height: number | undefined;
  capturedAt: string | undefined; // EXIF DateTimeOriginal, YYYY-MM-DDTHH:MM:SS: the camera's clock
  capturedFraction?: string | undefined; // digits of its second behind the point
  capturedOffset?: string | undefined; // of that clock from UTC, +HH:MM or -HH:MM
}

export interface ClassProbability {
  classIndex: number;
  confidence: number; // 0 to 1
}

/** A box in pixels of the upright picture, inside it. */
export interface Box {
  x: number; // left edge
  y: number; // upper edge
  width: number; // above 0
  height: number;
}

/**
 * Pixels of a class in the upright picture, as COCO writes them: lengths of runs, outside first, down the columns from left
 * to right, in its compressed text (`counts`).
 */
export interface Mask {
  area: number; // pixels
  counts: string;
}

/** Something that a detection model found. */
export interface Detection {
  classIndex: number;
  score: number; // 0 to 1
  box: Box;
  mask?: Mask | undefined; // none of models and tools that find boxes alone
}

/** What two models say of one box: the class and the score of the finder, and the classifier's score in the label. */
export interface BoxScores {
  classIndex: number; // of the finder
  found: number; // 0 to 1
  label: number | undefined; // 0 to 1; undefined where the finder's label was kept
}

/** A box of a run that finds first. Its class is what holds, its score that of both models: one times the other. */
export type LabelledDetection = Detection & { scores?: BoxScores | undefined };

/** All pixels of one class in a segmented picture. The regions of a picture cover it, each pixel once. */
export interface Region {
  classIndex: number;
  mask: Mask;
}

/** What became of one image: a prediction, or the reason why there is none. */
export type ImageOutcome =
  | {
      status: 'ok';
      facts: ImageFacts;
      warning?: PictureProblem | undefined; // why it is to be taken with care
      /**
       * The five best classes: by softmax; of a segmented picture those with the largest shares of its area; of detections
       * the classes found, each with its best score, none where nothing was found.
       */
      top: ClassProbability[];
      crops?: ClassProbability[][]; // the same of each crop where crops were asked for, and `top` is empty
      detections?: Detection[]; // of a detection model, best first
      regions?: Region[]; // of a segmentation model, largest first
      receipt: Receipt;
    }
  | { status: 'failed'; facts: ImageFacts; problem: PictureProblem };

/** How a picture is wanted for the screen. */
export interface RenderOptions {
  /** Pixels of the longer side at most: a thumbnail, as WebP. Without it the whole picture, as JPEG. */
  maxSide?: number;
}

/** A picture that every browser shows: upright, sRGB. */
export interface RenderedPicture {
  bytes: Uint8Array;
  type: 'image/webp' | 'image/jpeg';
}

/** What is drawn over a picture: the outline of a box with a text above it, a mask filled. */
export interface Mark {
  colour: string; // #rrggbb
  box?: Box | undefined;
  counts?: string | undefined; // of a mask, see Mask
  text?: string | undefined;
}

/** A layer of a classifier, and the settings that it is asked at. */
export interface AttentionQuestion {
  packagePath: string;
  input: Extract<ModelInput, { task: 'classification' }>;
  dial: EngineDial;
  layer: number; // from 0
}

/** Where a layer looks in one picture. */
export interface LayerAttention {
  /** Row by row: the weights of the class token's scans, their absolute values averaged over the channels; 0 where left out. */
  patches: number[];
  kept: number; // patches that there still are in front of the layer
  forward: boolean; // whether that scan ran
  backward: boolean;
}

/**
 * What people look at, made of the picture in a file: upright, in sRGB. It needs no open model, and goes on beside
 * predictions, slower. All reject with BAD_IMAGE when there is none to show.
 */
export interface PictureCalls {
  /** The picture for the screen. */
  render(path: string, options: RenderOptions): Promise<RenderedPicture>;
  /** What lies in boxes of the picture, each as a JPEG, in their order; undefined for a box beside it. */
  crop(path: string, boxes: readonly Box[]): Promise<(Uint8Array | undefined)[]>;
  /** The size of the upright picture, from its header where the format has one at its start. */
  size(path: string): Promise<{ width: number; height: number }>;
  /** The whole picture as PNG with something drawn over it. Rejects with BAD_ARGUMENT when a mask is not of its size. */
  overlay(path: string, marks: readonly Mark[]): Promise<Uint8Array>;
  /** Where a layer of a classifier looks, on the processor in fp32; its model stays loaded until another is asked about. */
  attention(path: string, question: AttentionQuestion): Promise<LayerAttention>;
}

/**
 * The only thing that the app knows of the engine host. Failures of the engine itself are AppErrors;
 * failures of one image are outcomes.
 */
export interface EngineApi {
  /**
   * Devices that this build knows, usable or not, in order of preference. A GPU that was never used is tried first, once;
   * `again`: also those that did not pass.
   */
  devices(again?: boolean): Promise<Device[]>;
  /** Loads a model package; what was open before is closed. `cuda` as a device is all GPUs of it that can be used. */
  open(model: EngineModel): Promise<OpenedModel>;
  /**
   * Reads, decodes and predicts pictures; one outcome each, in their order. Other calls may start before the
   * first has ended: files are decoded while others are predicted, and devices share the calls. What a GPU cannot do goes
   * on in smaller batches or on another device, which a note tells.
   */
  predict(pictures: readonly WantedPicture[], dial: EngineDial): Promise<ImageOutcome[]>;
  readonly pictures: PictureCalls;
  /** Lets `listener` hear the reason each time that the engine has crashed and is started again. */
  onCrash(listener: (reason: string) => void): void;
  /** Lets `listener` hear, as one sentence, each time that a model goes on otherwise on a GPU, or on another device. */
  onNote(listener: (note: string) => void): void;
  /** Ends the engine at once; calls under way are rejected with CANCELLED. */
  close(): Promise<void>;
}
