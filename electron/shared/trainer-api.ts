import type { Box, ClassProbability, EngineDial } from './engine-api.ts';
import type { Size } from './resized-size.ts';
import type { Augmentation, HeadChoice, LossSettings, OptimiserSettings, StepReport } from './training.ts';

/** A picture of one class to learn from. */
export interface LabelledExample {
  path: string;
  classIndex: number;
  box?: Box | undefined; // the part of the picture that is learned from; all of it without one
}

/** What somebody marked in a picture, in pixels of the upright one. */
export interface MarkedObject {
  classIndex: number;
  box?: Box | undefined; // always of detection
  counts?: string | undefined; // its mask as COCO's compressed run lengths; always of segmentation
}

/** A picture to learn what lies where from; without objects it is background. */
export interface MarkedExample {
  path: string;
  size: Size; // of the picture that the objects are marked in
  objects: readonly MarkedObject[];
}

/** A picture to learn from: of segmentation and detection a marked one. */
export type TrainingExample = LabelledExample | MarkedExample;

/** A picture in a file, or a part of it. */
export type PictureToRead = string | { path: string; box: Box };

/** What is to be read of a file. */
export const toRead = ({ path, box }: { path: string; box?: Box | undefined }): PictureToRead =>
  box === undefined ? path : { path, box };

/** What a training step works on until the next `open`. */
export interface TrainerSetup {
  /** The new model's manifest as JSON text; only sizes, labels' number, pruning and preprocessing matter. */
  manifest: string;
  /** Package whose weights training starts from; tensors that it lacks, and a head for other classes, are made anew. */
  parent: string | undefined;
  /** Package of the frozen, unpruned model that is learned from as well. */
  teacher: string | undefined;
  /** State of an earlier session of the same training, written by `saveState`. */
  state: string | undefined;
  seed: number; // of weights that are made anew
  device: string; // 'cpu' or 'reference'
  threads: number;
  losses: LossSettings;
  optimiser: OptimiserSettings;
  augmentation: Augmentation;
}

export interface StepRequest {
  examples: readonly TrainingExample[];
  learningRate: number;
  seed: number; // of the augmentation and of the random decisions
}

/** How a model's evaluation makes its input of a picture. */
export interface PictureUse {
  resize: number; // pixels of the shorter side
  /** Whether single pixels are sampled, as segmentation does, and not averaged. */
  isSampled?: boolean | undefined;
}

/** How pictures are looked at. */
export interface InspectOptions extends PictureUse {
  /** Whether they stay in memory, as far as there is room, for what is asked for next. */
  keep: boolean;
}

/** What is known of a picture before training. */
export type InspectedPicture =
  | {
      width: number; // upright, pixels; of a part of a picture, its own
      height: number;
      /** 64 bits, hex: neighbouring pixels compared in a picture of 9 x 8 (dHash). Alike pictures differ in few bits. */
      dHash: string;
      sha256: string; // of the file, hex
    }
  | { error: string };

/** What a package says of one picture, or why there is nothing, in one sentence. */
export type HoldoutOutcome =
  | {
      probabilities: Float32Array;
      top: ClassProbability[];
      blockKeep: number; // share of the scan directions that ran
    }
  | { error: string };

/** Something that a package finds in a picture. */
export interface FoundObject extends MarkedObject {
  score?: number | undefined; // of detection
}

/** What a segmentation or detection package finds in one picture, or why there is nothing, in one sentence. */
export type FoundOutcome =
  | {
      found: FoundObject[];
      blockKeep: number; // share of the scan directions that ran
    }
  | { error: string };

/** A solved last layer; see docs/training.md. */
export interface SolvedHead {
  weight: Float32Array; // [classes, features]
  bias: Float32Array; // [classes]
  loss: number; // mean cross entropy on what it was solved for, decay included
  iterations: number; // 0 where heads were compared
  choice?: HeadChoice; // where heads were compared
}

export interface HeadOptions {
  classes: number;
  smoothing: number; // of the labels
  decay: number; // of the weights
  /** Whether a nearest-class-mean and a cosine head are tried as well, and the best taken; for few pictures. */
  compare: boolean;
}

/** What the training host is asked; PictureTrainer answers. Pixels never travel. */
export interface TrainerCalls {
  /** Reads and decodes files; one answer each, in their order. */
  inspect(pictures: readonly PictureToRead[], options: InspectOptions): Promise<InspectedPicture[]>;
  open(setup: TrainerSetup): Promise<void>;
  /**
   * One step. A second call may start before the first has ended: its pictures are decoded meanwhile. Rejects with DIVERGED
   * when the loss is not finite; the state is then that of the last good step. Rejects with BAD_IMAGE, naming the file, when
   * one cannot be read any more.
   */
  step(request: StepRequest): Promise<StepReport>;
  /** Writes all that training goes on from, whole or not at all; rejects with DISK_FULL or FILE_SYSTEM when it cannot. */
  saveState(path: string): Promise<void>;
  /** Writes the model's tensors as plain safetensors (F32): of the moving average, or the last weights; likewise. */
  saveWeights(path: string, options: { averaged: boolean }): Promise<void>;
  /** Predicts pictures with a package as a run does; the package stays loaded until another one is named. */
  predict(
    packagePath: string,
    pictures: readonly PictureToRead[],
    dial: EngineDial,
  ): Promise<HoldoutOutcome[]>;
  /** What a segmentation or detection package finds in pictures, as a run does; likewise. */
  find(packagePath: string, paths: readonly string[], dial: EngineDial): Promise<FoundOutcome[]>;
  /**
   * Features of pictures in front of a package's last layer, kept in the host for `solveHead` in the order of the calls.
   * Resolves to what could not be read: indices in `examples` and reasons.
   */
  addFeatures(
    packagePath: string,
    examples: readonly LabelledExample[],
    dial: EngineDial,
  ): Promise<{ index: number; error: string }[]>;
  /** Solves a last layer for the features that were added, to its optimum, and forgets them. */
  solveHead(options: HeadOptions): Promise<SolvedHead>;
}

/**
 * All that the app knows of the training host, a process of its own. Failures are AppErrors; when the process dies, calls
 * under way are rejected with ENGINE, and the next `open` starts another.
 */
export interface TrainerApi extends TrainerCalls {
  /** Ends the host at once; calls under way are rejected with CANCELLED. A later call starts it again. */
  close(): Promise<void>;
}
