import type { z } from 'zod';
import type { LayerSizes } from '../models/model-shape.ts';
import type { trainingArguments } from '../../shared/api/training.ts';
import { AppError } from '../../shared/errors.ts';
import type { ClassificationManifest, Label, Manifest, ModelPackage } from '../../shared/model-package.ts';
import { IMAGENET_COLOURS } from '../models/normalisation.ts';
import { patchCount } from '../models/flops.ts';
import { resizedSide } from '../models/model-input.ts';
import { elementCount } from '../packages/tensor-type.ts';
import { tensorShapes } from '../models/tensor-shapes.ts';
import { keepPowers, parseTokenKeep } from '../models/presets.ts';
import type { Aims } from './recipes.ts';
import { isDense, isOfTrainable, TASKS } from '../../shared/tasks.ts';
import { ARCHITECTURES, titlesOf } from '../../shared/architectures.ts';

export type TrainingRequest = z.output<(typeof trainingArguments)['startTraining']>;

/** A model to start from, by its content. */
export interface ParentModel {
  model: ModelPackage;
  manifest: Manifest;
  sha256: string; // of its package
}

/** Widths and depths of arXiv 2401.09417; `micro` is Winnow's, for pictures of some ten pixels a side. */
const SIZES = {
  micro: { embedDim: 96, depth: 8, imageSize: 32, patchSize: 4 },
  tiny: { embedDim: 192, depth: 24, imageSize: 224, patchSize: 16 },
  small: { embedDim: 384, depth: 24, imageSize: 224, patchSize: 16 },
  base: { embedDim: 768, depth: 24, imageSize: 224, patchSize: 16 },
} as const;

const DEFAULT_SIZE = 'tiny';
const STATE_DIM = 16;
const CONV_WIDTH = 4;
const STEP_RANK = 16; // width per rank of the step size's projection
const STAGES = 4; // a pruning stage begins with each of these parts of the depth but the first
export const MOST_PATCHES = 4096;

/** In place of the hash of tensors that do not exist yet. */
const NO_TENSORS = '0'.repeat(64);

type Shape = Pick<ClassificationManifest, 'architecture' | LayerSizes | 'preprocessing'>;

type Pruning = Pick<ClassificationManifest, 'blockSelection' | 'pruningLayers' | 'tokenKeep' | 'blockKeep'>;

/** The parent as training can use it. Throws BAD_ARGUMENT for a model of another kind. */
export function trainableManifest({ name, manifest }: ModelPackage): ClassificationManifest {
  const known = titlesOf(({ isTrainable }) => isTrainable);
  const hint = `Choose a ${known} classifier, or start from scratch.`;
  if (!isOfTrainable(manifest)) {
    const { does } = TASKS[manifest.task];
    throw new AppError('BAD_ARGUMENT', `Training needs a classifier, but the model ${name} ${does}`, hint);
  }
  const { title, isTrainable } = ARCHITECTURES[manifest.architecture];
  if (!isTrainable) {
    throw new AppError(
      'BAD_ARGUMENT',
      `Training needs a ${known} model, but ${name} is a ${title} model`,
      hint,
    );
  }
  return manifest;
}

/** Sizes of the new model: the parent's, or those that were asked for. Throws BAD_ARGUMENT. */
export function newShape(request: TrainingRequest, parent: ParentModel | undefined): Shape {
  if (parent === undefined) return scratchShape(request);
  for (const [option, value] of Object.entries({
    size: request.size,
    width: request.width,
    depth: request.depth,
    'number of states': request.states,
    'image size': request.imageSize,
    'patch size': request.patchSize,
    stride: request.stride,
  })) {
    if (value === undefined) continue;
    throw new AppError(
      'BAD_ARGUMENT',
      `The ${option} is that of the model ${parent.model.name}, so it cannot be set`,
      'Leave it out, or train from scratch.',
    );
  }
  const { architecture, imageSize, patchSize, stride, embedDim } = parent.manifest;
  const { depth, stateDim, convWidth, dtRank } = parent.manifest;
  const { preprocessing } = isDense(parent.manifest)
    ? { preprocessing: { ...parent.manifest.preprocessing, resize: imageSize, crop: imageSize } }
    : parent.manifest;
  return {
    architecture,
    imageSize,
    patchSize,
    stride,
    embedDim,
    depth,
    stateDim,
    convWidth,
    dtRank,
    preprocessing,
  };
}

function scratchShape(request: TrainingRequest): Shape {
  const size = SIZES[request.size ?? DEFAULT_SIZE];
  const { imageSize = size.imageSize, patchSize = size.patchSize } = request;
  const { width = size.embedDim, depth = size.depth, states = STATE_DIM } = request;
  const { stride = patchSize } = request;
  if (patchSize > imageSize || stride > patchSize) {
    throw new AppError(
      'BAD_ARGUMENT',
      `Patches of ${patchSize} pixels every ${stride} do not fit an image of ${imageSize} pixels`,
      'A stride is at most the patch size, and that at most the image size.',
    );
  }
  const patches = patchCount({ imageSize, patchSize, stride });
  if (patches > MOST_PATCHES) {
    throw new AppError(
      'BAD_ARGUMENT',
      `An image can have at most ${MOST_PATCHES} patches, but these sizes give ${patches}`,
      'Choose a smaller image size or a larger stride.',
    );
  }
  return {
    architecture: 'vim',
    imageSize,
    patchSize,
    stride,
    embedDim: width,
    depth,
    stateDim: states,
    convWidth: CONV_WIDTH,
    dtRank: Math.ceil(width / STEP_RANK),
    preprocessing: { resize: resizedSide(imageSize), crop: imageSize, ...IMAGENET_COLOURS },
  };
}

/** Blocks before which patches are pruned where the parent says none: at the quarters of the depth. */
export function quarterLayers(depth: number): number[] {
  const layers = Array.from({ length: STAGES - 1 }, (_, stage) => Math.floor((depth * (stage + 1)) / STAGES));
  return [...new Set(layers)].filter((layer) => layer > 0);
}

/**
 * What the new model leaves out, and how much of it. `aims`: keep ratios where neither the request nor the parent says
 * any. Throws BAD_ARGUMENT.
 */
export function newPruning(
  request: TrainingRequest,
  parent: ParentModel | undefined,
  depth: number,
  aims: Aims,
): Pruning {
  const { method, tokenKeep, blockKeep } = request;
  const trained = parent?.manifest;
  const makesDynamic =
    method === 'distill' || (method === 'scratch' && (tokenKeep !== undefined || blockKeep !== undefined));
  const prunes = method === 'distill' || (method === 'scratch' && tokenKeep !== undefined);
  const hasLayers = trained !== undefined && trained.pruningLayers.length > 0;
  const pruningLayers = hasLayers ? trained.pruningLayers : prunes ? quarterLayers(depth) : [];
  const blockSelection = trained?.blockSelection === true || makesDynamic;
  refuseWithoutEffect(request, parent, { pruningLayers, blockSelection });
  const stages = pruningLayers.length;
  const given = tokenKeep === undefined ? undefined : parseTokenKeep(tokenKeep, stages, trained?.name ?? '');
  return {
    blockSelection,
    pruningLayers,
    tokenKeep: given ?? (hasLayers ? trained.tokenKeep : keepPowers(aims.keep, stages)),
    ...(blockSelection ? { blockKeep: blockKeep ?? trained?.blockKeep ?? aims.blocks } : {}),
  };
}

/** Throws BAD_ARGUMENT for a keep ratio that the new model has no use for. */
function refuseWithoutEffect(
  { method, tokenKeep, blockKeep }: TrainingRequest,
  parent: ParentModel | undefined,
  { pruningLayers, blockSelection }: Pick<Pruning, 'pruningLayers' | 'blockSelection'>,
): void {
  const isHead = method === 'head';
  const name = parent?.model.name ?? 'the new model';
  const hint = isHead ? 'Leave it out.' : 'Choose the method distill, or leave it out.';
  if (tokenKeep !== undefined && pruningLayers.length === 0) {
    throw new AppError(
      'BAD_ARGUMENT',
      `The model ${name} does not prune patches, so it has no token keep ratio to set`,
      hint,
    );
  }
  if (blockKeep !== undefined && (isHead || !blockSelection)) {
    const why = isHead
      ? 'A new head leaves the blocks as they are'
      : `The model ${name} runs all of its scans`;
    throw new AppError('BAD_ARGUMENT', `${why}, so there is no block keep ratio to set`, hint);
  }
}

/** The manifest of the model that is to be trained, whole but for the hash of its tensors. Throws BAD_ARGUMENT. */
export function newManifest(
  request: TrainingRequest,
  parent: ParentModel | undefined,
  labels: readonly Label[],
  name: string,
  aims: Aims,
): ClassificationManifest {
  const shape = newShape(request, parent);
  return {
    format: 1,
    name,
    task: 'classification',
    ...shape,
    classes: labels.length,
    ...newPruning(request, parent, shape.depth, aims),
    labels: [...labels],
    ...newOrigin(parent),
  };
}

/** Where the new model comes from, as its manifest says. */
export function newOrigin(
  parent: ParentModel | undefined,
): Pick<Manifest, 'provenance' | 'licence' | 'dataSha256'> {
  return {
    provenance:
      parent === undefined
        ? { file: 'weights from chance', sha256: '', weights: 'trained by Winnow' }
        : { file: `${parent.model.name}.safetensors`, sha256: parent.sha256, weights: 'trained by Winnow' },
    licence: parent?.manifest.licence ?? 'Not stated; ask whose pictures it was trained on',
    dataSha256: NO_TENSORS,
  };
}

/** Numbers that a model holds. */
export function parameterCount(manifest: Manifest): number {
  return [...tensorShapes(manifest).values()].reduce((sum, shape) => sum + elementCount(shape), 0);
}
