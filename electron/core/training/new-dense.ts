import { AppError } from '../../shared/errors.ts';
import { DENSE_ARCHITECTURE } from '../../shared/model-package.ts';
import type {
  ConvolutionHead,
  DetectionManifest,
  Label,
  Manifest,
  ModelPackage,
  OneStageHead,
  SegmentationManifest,
} from '../../shared/model-package.ts';
import { isDense, TASKS } from '../../shared/tasks.ts';
import type { DenseTask } from '../../shared/tasks.ts';
import { ARCHITECTURES } from '../../shared/architectures.ts';
import { isOneStage } from '../models/detection-head.ts';
import { patchCount } from '../models/flops.ts';
import { isOfConvolutions } from '../models/segmentation-head.ts';
import { denseProblem, FREE_PATCHES } from '../packages/read-package.ts';
import { MOST_PATCHES, newOrigin, newPruning, newShape, trainableManifest } from './new-model.ts';
import type { ParentModel, TrainingRequest } from './new-model.ts';
import type { Aims } from './recipes.ts';

type DenseManifest = SegmentationManifest | DetectionManifest;

/** Sides of windows are multiples of this, as inference wants sizes of pictures. */
const SIDE_STEP = 32; // pixels
const LARGEST_SIDE = 512; // pixels, where a request says none
const USUAL_GRID = 24; // patches a side, likewise at most

const WIDEST_HEAD = 128; // channels, of segmentation
const WIDEST_DETECTOR = 96; // at which the head costs less than half of a backbone of width 192
const NARROWEST_HEAD = 32;
const STRIDE = 2 / 3; // of the window's side, as the original slides
const TOWER_LAYERS = 2;
const PROTOTYPES = 16;

/** The most classes of a map of bytes in which 255 marks what counts for nothing; for a detector as many. */
const MOST_CLASSES = 255;

/** What is to be taught. */
export interface TaughtHead {
  task: DenseTask;
  labels: readonly Label[];
  hasMasks: boolean; // whether every object to learn from has one; of detection
}

/**
 * The parent as the training of a dense model can use it; of one for the other task the backbone is. Throws BAD_ARGUMENT for
 * a model of another kind.
 */
export function denseParent(model: ModelPackage, task: DenseTask): Manifest {
  const { name, manifest } = model;
  const refuse = (came: string) =>
    new AppError(
      'BAD_ARGUMENT',
      `Training for ${task} needs a Vim classifier, or a segmentation or detection model that was trained so, but the model ${name} ${came}`,
      'Choose another one, or start from scratch.',
    );
  if (!isDense(manifest)) {
    const classifier = trainableManifest(model);
    const { isBackbone, title } = ARCHITECTURES[classifier.architecture];
    if (!isBackbone) throw refuse(`is a ${title} model`);
    return classifier;
  }
  if (lightHead(manifest) !== undefined) return manifest;
  throw refuse(`${TASKS[manifest.task].does} with a head that cannot be trained`);
}

/** The head of a model, where it is one that Winnow trains. */
function lightHead({ head }: DenseManifest): ConvolutionHead | OneStageHead | undefined {
  if ('slideStride' in head) return isOfConvolutions(head) ? head : undefined;
  return isOneStage(head) ? head : undefined;
}

/**
 * The manifest of a model with a light head that is to be trained, whole but for the hash of its tensors. Its patches lie
 * side by side, also where the parent's overlap, and are of the parent's size or, of those that heads fit, the next; its
 * windows have 24 of them a side, 512 pixels at most. The request may say otherwise. Throws BAD_ARGUMENT.
 */
export function newDense(
  request: TrainingRequest,
  parent: ParentModel | undefined,
  taught: TaughtHead,
  name: string,
  aims: Aims,
): DenseManifest {
  const { task, labels } = taught;
  if (labels.length > MOST_CLASSES)
    throw new AppError(
      'BAD_ARGUMENT',
      `A ${task} model can be taught at most ${MOST_CLASSES} classes, but there are ${labels.length}`,
    );
  const shape = newShape(withoutSizes(request, parent), parent);
  const { embedDim, depth, stateDim, convWidth, dtRank } = shape;
  const patchSize = request.patchSize ?? nextPatch(shape.patchSize);
  const known = parent !== undefined && isDense(parent.manifest) ? parent.manifest : undefined;
  const imageSize = windowSide(request, known, task, patchSize);
  const sizes = { imageSize, patchSize, stride: patchSize, embedDim, depth, stateDim, convWidth, dtRank };
  if (patchCount(sizes) > MOST_PATCHES)
    throw new AppError(
      'BAD_ARGUMENT',
      `A window can have at most ${MOST_PATCHES} patches, but ${imageSize} pixels give ${patchCount(sizes)}`,
      'Choose a smaller image size.',
    );
  const { mean, std } = shape.preprocessing;
  const manifest = {
    format: 1,
    name,
    architecture: DENSE_ARCHITECTURE,
    ...sizes,
    halveDirections: known?.halveDirections ?? true, // as classifiers of this architecture do
    rotary: known?.rotary ?? false,
    preprocessing: { mean, std },
    ...newHead(taught, known?.task === task ? lightHead(known) : undefined, sizes),
    classes: labels.length,
    ...newPruning(request, parent, depth, aims),
    labels: [...labels],
    ...newOrigin(parent),
  } as const satisfies DenseManifest;
  const problem = denseProblem(manifest);
  if (problem !== undefined)
    throw new AppError('BAD_ARGUMENT', problem, 'Choose another model to start from, or other sizes.');
  return manifest;
}

/** The task and the head of a model: as wide as `known`, the parent's, or as fits the backbone. */
function newHead(
  { task, hasMasks }: TaughtHead,
  known: ConvolutionHead | OneStageHead | undefined,
  { imageSize, embedDim }: Pick<DenseManifest, 'imageSize' | 'embedDim'>,
): Pick<SegmentationManifest, 'task' | 'head'> | Pick<DetectionManifest, 'task' | 'head'> {
  const within = (width: number, widest: number) => Math.min(widest, Math.max(NARROWEST_HEAD, width));
  const heads = {
    segmentation: () => ({
      task: 'segmentation' as const,
      head: {
        kind: 'convolutions' as const,
        width: known?.width ?? within(embedDim, WIDEST_HEAD),
        slideStride: Math.round(imageSize * STRIDE),
      },
    }),
    detection: () => ({
      task: 'detection' as const,
      head: {
        kind: 'one-stage' as const,
        width: known?.width ?? within(2 * Math.round(embedDim / 4), WIDEST_DETECTOR),
        layers: known && 'layers' in known ? known.layers : TOWER_LAYERS,
        ...(hasMasks && { prototypes: (known && 'layers' in known && known.prototypes) || PROTOTYPES }),
      },
    }),
  };
  return heads[task]();
}

/** A backbone of any grid and any patches can be taught: they are not refused for the parent's having others. */
function withoutSizes(request: TrainingRequest, parent: ParentModel | undefined): TrainingRequest {
  return parent === undefined ? request : { ...request, imageSize: undefined, patchSize: undefined };
}

/** The side, in pixels, of patches that heads fit, by ratio the closest to the parent's. */
function nextPatch(side: number): number {
  const apart = (other: number) => Math.abs(Math.log(other / side));
  return FREE_PATCHES.reduce((best, other) => (apart(other) < apart(best) ? other : best));
}

function windowSide(
  { imageSize }: TrainingRequest,
  known: DenseManifest | undefined,
  task: DenseTask,
  patchSize: number,
): number {
  const usual = Math.min(LARGEST_SIDE, Math.floor((USUAL_GRID * patchSize) / SIDE_STEP) * SIDE_STEP);
  const side = imageSize ?? known?.imageSize ?? usual;
  if (side % SIDE_STEP === 0 && side > 0) return side;
  throw new AppError(
    'BAD_ARGUMENT',
    `The image size of a ${task} model must be a multiple of ${SIDE_STEP} pixels, but it is ${side}`,
  );
}
