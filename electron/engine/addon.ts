import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { DetectionSettings, GpuFacts, Precision } from '../shared/run.ts';
import type { HeadOptions, SolvedHead } from '../shared/trainer-api.ts';
import type { Losses } from '../shared/training.ts';

/**
 * The native addon's JavaScript interface, stated once. Errors arrive as `Error` with a `code` of
 * electron/shared/errors.ts.
 */
export interface NativeAddon {
  /** All codes that errors of this build can have: NativeErrorCode. */
  readonly errorCodes: readonly string[];
  /**
   * Devices that this build knows, usable or not, in order of preference. `withGpus`: GPUs too, or in place of a maker's the
   * reason why there are none; that opens drivers, which may crash.
   */
  devices(withGpus?: boolean): NativeDevice[];
  /**
   * Maps, checks and packs a model package; rejects with BAD_MODEL or ENGINE, on a GPU also with OUT_OF_MEMORY or
   * DEVICE_LOST. `inputSize`: side in pixels that a segmentation or detection model sees its pictures at, a multiple of 32;
   * the trained one when it is left out.
   */
  loadModel(
    packagePath: string,
    options: {
      device: string;
      threads: number;
      precision: Precision;
      inputSize?: number | undefined;
      /** Of a classifier: its logits are the features in front of its last layer. */
      features?: boolean | undefined;
    },
  ): Promise<NativeModel>;
  /**
   * PIL's bicubic resize of the shorter side to `resize`, then the centre crop, byte for byte as the original evaluates.
   * `source` is RGB, row-major, width x height x 3 bytes; crop x crop x 3 bytes are written to `target` at
   * `offset`. Runs off the JavaScript thread; both arrays must stay untouched until the promise settles.
   */
  resizeAndCrop(
    source: Uint8Array,
    width: number,
    height: number,
    shape: { resize: number; crop: number },
    target: Uint8Array,
    offset: number,
  ): Promise<void>;
  /**
   * Resizes RGB bytes to another size: `smooth` as PIL's bilinear filter does (detection), `sampled` by bilinear sampling
   * at half-pixel centres without smoothing, rounded half up (segmentation). Otherwise like resizeAndCrop.
   */
  resize(
    source: Uint8Array,
    size: NativeSize,
    target: Uint8Array,
    targetSize: NativeSize,
    filter: 'smooth' | 'sampled',
  ): Promise<void>;
  /**
   * Makes a training of a classifier ready: weights from `parent`, new ones for what it lacks, or the whole state of an
   * earlier session. Rejects with BAD_MODEL, BAD_ARGUMENT or ENGINE.
   */
  createTrainer(options: {
    /** JSON: manifest, losses, optimiser and augmentation as in TrainerSetup. */
    settings: string;
    parent?: string | undefined; // package
    teacher?: string | undefined; // package
    state?: string | undefined;
    seed: number;
    device: string;
    threads: number;
  }): Promise<NativeTrainer>;
  /**
   * Multinomial logistic regression on `features` [count, features], to its optimum (L-BFGS). `labels` are class indices.
   * With `compare` it, a nearest-class-mean and a cosine head are cross-validated, and the best is given. Rejects with
   * BAD_ARGUMENT for features that are not finite, and for comparing with less than two examples of two classes.
   */
  solveHead(
    features: Float32Array,
    labels: Int32Array,
    options: HeadOptions & { device: string; threads: number },
  ): Promise<SolvedHead>;
}

/** RGB bytes, row-major. */
export interface NativePicture extends NativeSize {
  pixels: Uint8Array;
}

/** A picture that is learned from: with its class, or with what is marked in it. */
export type NativeExample = NativePicture &
  ({ label: number } | { marked: NativeSize & { objects: NativeMarkedObject[] } });

/** As MarkedObject of trainer-api.ts. */
export interface NativeMarkedObject {
  label: number;
  box?: { left: number; top: number; right: number; bottom: number } | undefined;
  counts?: string | undefined;
}

/** A training under way: one call at a time. */
export interface NativeTrainer {
  /**
   * Varies the pictures by the settings' augmentation and learns from them; off the JavaScript thread. The arrays must
   * stay untouched until the promise settles. Rejects with DIVERGED when the loss is not finite: nothing has changed then.
   */
  step(
    examples: readonly NativeExample[],
    options: { seed: number; learningRate: number },
  ): Promise<NativeStep>;
  /** Weights, moments and averages as safetensors, whole or not at all: rejects with DISK_FULL or FILE_SYSTEM. */
  saveState(path: string): Promise<void>;
  /** The model's tensors as safetensors, of the moving average or the last weights; likewise. */
  saveWeights(path: string, averaged: boolean): Promise<void>;
}

export interface NativeStep {
  losses: Losses;
  gradientNorm: number;
  accuracy: number;
  tokensKept: number;
  directionsKept: number;
}

export interface NativeDevice {
  name: string; // what --device takes: 'cpu', 'reference', 'cuda:0'
  description: string; // processor name, instruction set, threads; a GPU's name and what multiplies matrices
  available: boolean;
  reason: string | undefined; // why not, in one sentence
  precisions: Precision[]; // that it computes natively, most exact first
  gpu?: GpuFacts; // of a GPU
}

/** Settings that every prediction has. */
export interface NativeDial {
  /** One ratio per pruning stage, 0 < r <= 1, of the patches before any pruning. */
  tokenKeep: readonly number[];
  /** A scan direction runs where sigmoid(logit) > blockThreshold. */
  blockThreshold: number;
}

export interface NativeSize {
  width: number;
  height: number;
}

export interface NativeMask {
  area: number; // pixels
  counts: string; // COCO's compressed run lengths, at the target size
}

export interface NativeSegmentation {
  directions: Uint8Array; // [windows, depth]
  survived: Uint8Array; // [windows, patches]
  regions: ({ classIndex: number } & NativeMask)[]; // largest first
  milliseconds: number;
}

export interface NativeDetections {
  directions: Uint8Array; // [depth]
  survived: Uint8Array; // [patches]
  /** Best first; box is x0, y0, x1, y1 in pixels of the target. */
  detections: ({ classIndex: number; score: number; box: Float32Array } & Partial<NativeMask>)[]; // no mask of a model that draws none
  milliseconds: number;
}

/**
 * A loaded model: one call at a time, of those that fit its task. They reject with CANCELLED after cancel(), with
 * OUT_OF_MEMORY when a GPU has too little for the batch, after which others may follow, and with DEVICE_LOST at its end.
 */
export interface NativeModel {
  /** Classifies `count` pictures of crop x crop x 3 RGB bytes, one behind the other in `pixels`. */
  predict(pixels: Uint8Array, count: number, dial: NativeDial): Promise<NativeBatch>;
  /**
   * Predicts one picture [S, S, 3], and says which patches the class token of `layer`, from 0, takes its output from: 0 for
   * those that were left out before. `stages`: pruning stages in front of it. Rejects as `predict` does, and with
   * BAD_ARGUMENT for a layer that there is not.
   */
  attend(
    pixels: Uint8Array,
    layer: number,
    dial: NativeDial,
  ): Promise<Omit<NativeBatch, 'logits'> & { attention: Float32Array; stages: number }>;
  /**
   * Segments one picture of RGB bytes whose shorter side is the input size, window by window. Regions are those of the
   * picture at `target`, the size of the upright original. `slideStride`: pixels between windows at the trained image size.
   */
  segment(
    pixels: Uint8Array,
    size: NativeSize,
    options: NativeDial & { slideStride: number; target: NativeSize },
  ): Promise<NativeSegmentation>;
  /** Finds objects in one picture of RGB bytes whose longer side is the input size; boxes and masks are at `target`. */
  detect(
    pixels: Uint8Array,
    size: NativeSize,
    options: NativeDial & DetectionSettings & { target: NativeSize },
  ): Promise<NativeDetections>;
  /** Ends the running predict at the next layer. Does nothing when none runs. */
  cancel(): void;
}

export interface NativeBatch {
  logits: Float32Array; // [count, classes]
  directions: Uint8Array; // [count, depth]; bit 0: the forward scan ran, bit 1: the backward scan ran
  survived: Uint8Array; // [count, patches]; number of pruning stages that the patch survived
  milliseconds: number; // of the whole batch in the engine
}

/** Loads the addon that build/setup.mjs built. */
export function loadAddon(): NativeAddon {
  const path = fileURLToPath(new URL('../../out/native/winnow.node', import.meta.url));
  return createRequire(import.meta.url)(path) as NativeAddon;
}
