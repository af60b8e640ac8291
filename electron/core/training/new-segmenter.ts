import { AppError } from '../../shared/errors.ts';
import { DENSE_ARCHITECTURE } from '../../shared/model-package.ts';
import type {
  Label,
  ModelPackage,
  SegmentationManifest,
  TaughtManifest,
} from '../../shared/model-package.ts';
import { isDense, TASKS } from '../../shared/tasks.ts';
import { ARCHITECTURES } from '../../shared/architectures.ts';
import { patchCount } from '../models/flops.ts';
import { denseProblem } from '../packages/read-package.ts';
import { MOST_PATCHES, newOrigin, newPruning, newShape, trainableManifest } from './new-model.ts';
import type { ParentModel, TrainingRequest } from './new-model.ts';
import type { Aims } from './recipes.ts';

/** Sides of windows are multiples of this, as inference wants sizes of pictures. */
const SIDE_STEP = 32; // pixels
const LARGEST_SIDE = 512; // pixels, where a request says none
const USUAL_GRID = 24; // patches a side, likewise at most

const WIDEST_HEAD = 128; // channels
const NARROWEST_HEAD = 32;
const STRIDE = 2 / 3; // of the window's side, as the original slides

/** The most classes of a map of bytes in which 255 marks what counts for nothing. */
const MOST_CLASSES = 255;

/** The parent as the training of a segmenter can use it. Throws BAD_ARGUMENT for a model of another kind. */
export function segmenterParent(model: ModelPackage): TaughtManifest {
  const { name, manifest } = model;
  const refuse = (came: string) =>
    new AppError(
      'BAD_ARGUMENT',
      `Training for segmentation needs a Vim classifier, or a segmentation model that was trained so, but the model ${name} ${came}`,
      'Choose another one, or start from scratch.',
    );
  if (!isDense(manifest)) {
    const classifier = trainableManifest(model);
    const { isBackbone, title } = ARCHITECTURES[classifier.architecture];
    if (isBackbone) return classifier;
    throw refuse(`is a ${title} model`);
  }
  if ('slideStride' in manifest.head && manifest.head.kind === 'convolutions')
    return manifest as SegmentationManifest;
  throw refuse(`${TASKS[manifest.task].does} with a head that cannot be trained`);
}

/**
 * The manifest of a segmentation model with a light head that is to be trained, whole but for the hash of its tensors. Its
 * patches lie side by side, also where the parent's overlap; its windows have 24 of them a side, 512 pixels at most, unless the
 * request says otherwise. Throws BAD_ARGUMENT.
 */
export function newSegmenter(
  request: TrainingRequest,
  parent: ParentModel | undefined,
  labels: readonly Label[],
  name: string,
  aims: Aims,
): SegmentationManifest {
  if (labels.length > MOST_CLASSES)
    throw new AppError(
      'BAD_ARGUMENT',
      `A segmentation model can be taught at most ${MOST_CLASSES} classes, but there are ${labels.length}`,
    );
  const shape = newShape(withoutSize(request, parent), parent);
  const { patchSize, embedDim, depth, stateDim, convWidth, dtRank } = shape;
  const imageSize = windowSide(request, parent, patchSize);
  const sizes = { imageSize, patchSize, stride: patchSize, embedDim, depth, stateDim, convWidth, dtRank };
  if (patchCount(sizes) > MOST_PATCHES)
    throw new AppError(
      'BAD_ARGUMENT',
      `A window can have at most ${MOST_PATCHES} patches, but ${imageSize} pixels give ${patchCount(sizes)}`,
      'Choose a smaller image size.',
    );
  const known = parent !== undefined && isDense(parent.manifest) ? parent.manifest : undefined;
  const { mean, std } = shape.preprocessing;
  const manifest: SegmentationManifest = {
    format: 1,
    name,
    task: 'segmentation',
    architecture: DENSE_ARCHITECTURE,
    ...sizes,
    halveDirections: known?.halveDirections ?? true, // as classifiers of this architecture do
    rotary: false,
    preprocessing: { mean, std },
    head: {
      kind: 'convolutions',
      width: known?.head.width ?? Math.min(WIDEST_HEAD, Math.max(NARROWEST_HEAD, embedDim)),
      slideStride: Math.round(imageSize * STRIDE),
    },
    classes: labels.length,
    ...newPruning(request, parent, depth, aims),
    labels: [...labels],
    ...newOrigin(parent),
  };
  const problem = denseProblem(manifest);
  if (problem !== undefined)
    throw new AppError('BAD_ARGUMENT', problem, 'Choose another model to start from, or other sizes.');
  return manifest;
}

/** A backbone of any grid can be taught: of a classifier's request the size is not refused. */
function withoutSize(request: TrainingRequest, parent: ParentModel | undefined): TrainingRequest {
  return parent === undefined ? request : { ...request, imageSize: undefined };
}

function windowSide(
  { imageSize }: TrainingRequest,
  parent: ParentModel | undefined,
  patchSize: number,
): number {
  const usual = Math.min(LARGEST_SIDE, Math.floor((USUAL_GRID * patchSize) / SIDE_STEP) * SIDE_STEP);
  const known = parent !== undefined && isDense(parent.manifest) ? parent.manifest.imageSize : usual;
  const side = imageSize ?? known;
  if (side % SIDE_STEP === 0 && side > 0) return side;
  throw new AppError(
    'BAD_ARGUMENT',
    `The image size of a segmentation model must be a multiple of ${SIDE_STEP} pixels, but it is ${side}`,
  );
}
