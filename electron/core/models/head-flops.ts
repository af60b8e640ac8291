import type { ClassifierShape, DetectorShape, ModelShape, SegmenterShape } from './model-shape.ts';
import type { ConvolutionHead, MaskRcnnHead, OneStageHead, UperNetHead } from '../../shared/model-package.ts';
import { forTask } from '../../shared/tasks.ts';
import { isOneStage } from './detection-head.ts';
import { isOfConvolutions } from './segmentation-head.ts';

/** Boxes that the proposal network passes on, at most. */
const PROPOSALS = 1000;

/** Detections that get a mask, at most. */
const MASKS = 100;

/** Anchors of the proposal network at every place. */
const ANCHORS = 3;

/** Side of what is pooled for a box, and for a mask. */
const BOX_POOL = 7;
const MASK_POOL = 14;

/** Multiply-accumulates of what follows the blocks. Of a detection model with as many boxes as there can be. */
export function headFlops(shape: ModelShape, patches: number): number {
  return forTask(shape, {
    classification: classifierFlops,
    segmentation: (segmenter) => segmenterFlops(segmenter, patches),
    detection: (detector) => detectorFlops(detector, patches),
  });
}

function detectorFlops({ embedDim, classes, head }: DetectorShape, M: number): number {
  if (isOneStage(head)) return oneStageFlops(embedDim, classes, head, M);
  return pyramidFlops(embedDim, head, M) + proposalFlops(head, M) + boxFlops(classes, head);
}

/** Values that the last linear layer sees: the class token, or every register narrowed. */
export function headInputs({ registers, registerReduction, embedDim }: ClassifierShape): number {
  return (registers ?? 1) * (embedDim / (registerReduction ?? 1));
}

function classifierFlops(shape: ClassifierShape): number {
  const neck = shape.registers === undefined ? 0 : shape.embedDim * headInputs(shape);
  return headInputs(shape) * shape.classes + neck;
}

function segmenterFlops({ embedDim, classes, head }: SegmenterShape, M: number): number {
  return isOfConvolutions(head)
    ? convolutionFlops(embedDim, classes, head, M)
    : upernetFlops(embedDim, classes, head, M);
}

/** A map of 4 times the patches, which a deconvolution makes of the last block's. */
function convolutionFlops(D: number, classes: number, { width: C }: ConvolutionHead, M: number): number {
  return 4 * M * (D * C + 2 * 9 * C * C + C * classes);
}

/** Maps of 16, 4, 1 and 1/4 times the patches, from the four taps. */
function upernetFlops(D: number, classes: number, head: UperNetHead, M: number): number {
  const C = head.width;
  const pools = head.poolScales.length;
  const taps = 4 * M * D * D + 16 * M * D * D + 4 * M * D * D; // deconvolutions: two of the first tap, one of the second
  const pooled = head.poolScales.reduce((sum, scale) => sum + scale ** 2, 0) * D * C;
  const bottleneck = (M / 4) * 9 * (D + pools * C) * C;
  const laterals = (16 + 4 + 1) * M * (D * C + 9 * C * C);
  return taps + pooled + bottleneck + laterals + 16 * M * (9 * 4 * C * C + C * classes);
}

/**
 * Levels of 4, 1 and 1/4 times the patches, on each of which the towers work; prototypes of 16 times the patches, from the
 * finest level.
 */
function oneStageFlops(D: number, classes: number, head: OneStageHead, M: number): number {
  const { width: C, layers, prototypes: k = 0 } = head;
  const locations = (4 + 1 + 1 / 4) * M;
  const pyramid = 4 * M * D * (D / 2) + 4 * M * (D / 2) * C + 1.25 * M * D * C + locations * 9 * C * C;
  const towers = locations * 2 * layers * 9 * C * C;
  const said = locations * C * (classes + 5 + k);
  const drawn = k === 0 ? 0 : 4 * M * 9 * C * C + 16 * M * (C * (C / 2) + (C / 2) * k);
  return pyramid + towers + said + drawn;
}

/** Levels 2 to 5 have 16, 4, 1 and 1/4 times the patches; all start from the last block's map. */
function pyramidFlops(D: number, head: MaskRcnnHead, M: number): number {
  const C = head.width;
  const doubled = 4 * M * D * (D / 2); // deconvolution
  const level2 = doubled + 16 * M * (D / 2) * (D / 4) + 16 * M * (D / 4) * C;
  const level3 = doubled + 4 * M * (D / 2) * C;
  const levels4And5 = 1.25 * M * D * C;
  return level2 + level3 + levels4And5 + (16 + 4 + 1.25) * M * 9 * C * C;
}

function proposalFlops(head: MaskRcnnHead, M: number): number {
  const C = head.width;
  return (16 + 4 + 1 + 1 / 4 + 1 / 16) * M * (2 * 9 * C * C + ANCHORS * 5 * C);
}

function boxFlops(classes: number, head: MaskRcnnHead): number {
  const { width: C, boxWidth: F } = head;
  const boxValues = head.boxPerClass ? 4 * classes : 4;
  const box = BOX_POOL ** 2 * (4 * 9 * C * C + C * F) + F * (classes + 1 + boxValues);
  const mask = MASK_POOL ** 2 * (4 * 9 * C * C + 4 * C * C + 4 * C * classes);
  return head.stages * PROPOSALS * box + MASKS * mask;
}
