import type { Preprocessing } from './model-package.ts';
import type { Device, Precision, Receipt } from './run.ts';

/** The model that the engine predicts with until the next `open`. */
export interface EngineModel {
  packagePath: string;
  device: string;
  precision: Precision;
  threads: number; // of the engine; decoding shares them
  preprocessing: Preprocessing;
}

/** Settings of one batch; see Preset. */
export interface EngineDial {
  tokenKeep: readonly number[];
  blockThreshold: number;
}

/** What the engine found out about a file, as far as it got. */
export interface ImageFacts {
  /** The version of the file that was read; undefined when it could not be read at all. */
  version: { fileSize: number; modifiedMs: number } | undefined;
  width: number | undefined; // of the upright picture, pixels
  height: number | undefined;
  capturedAt: string | undefined; // EXIF DateTimeOriginal as ISO 8601 without a zone
}

export interface ClassProbability {
  classIndex: number;
  confidence: number; // softmax, 0 to 1
}

/** What became of one image: a prediction, or the reason why there is none in one sentence. */
export type ImageOutcome =
  | { status: 'ok'; facts: ImageFacts; top: ClassProbability[]; receipt: Receipt }
  | { status: 'failed'; facts: ImageFacts; error: string };

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

/**
 * The only thing that the app knows of the engine host. Failures of the engine itself are AppErrors;
 * failures of one image are outcomes.
 */
export interface EngineApi {
  /** Devices that this build knows, usable or not, in order of preference. */
  devices(): Promise<Device[]>;
  /** Loads a model package; what was open before is closed. */
  open(model: EngineModel): Promise<void>;
  /**
   * Reads, decodes and predicts the files at `paths`; one outcome each, in their order. A second call may
   * start before the first has ended: its files are decoded while the first predicts.
   */
  predict(paths: readonly string[], dial: EngineDial): Promise<ImageOutcome[]>;
  /**
   * The picture in a file for the screen; needs no model, and goes on beside predictions, slower. Rejects with BAD_IMAGE
   * when there is none to show.
   */
  render(path: string, options: RenderOptions): Promise<RenderedPicture>;
  /** Lets `listener` hear the reason each time that the engine has crashed and is started again. */
  onCrash(listener: (reason: string) => void): void;
  /** Ends the engine at once; calls under way are rejected with CANCELLED. */
  close(): Promise<void>;
}
