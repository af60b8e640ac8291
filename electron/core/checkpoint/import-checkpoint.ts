import { basename } from 'node:path';
import { AppError } from '../../shared/errors.ts';
import { MANIFEST_KEY, type ModelPackage, type Published } from '../../shared/model-package.ts';
import { type ClassTokenArchitecture } from '../../shared/architectures.ts';
import { packagePath } from '../packages/package-name.ts';
import { readPackage } from '../packages/read-package.ts';
import { isThere, placeNew } from '../files/place-whole.ts';
import { sha256OfFile } from '../packages/sha256.ts';
import { shapeProblem, tensorShapes } from '../models/tensor-shapes.ts';
import { allFinite, isTensorType } from '../packages/tensor-type.ts';
import { writeSafetensors, type TensorSource } from '../packages/write-safetensors.ts';
import { openCheckpoint } from './checkpoint-file.ts';
import { describeModel, type ModelDescription } from './describe-model.ts';
import { labelsFor } from './labels.ts';
import { badCheckpoint } from './pickle-values.ts';
import { TensorReader } from './read-tensor.ts';
import { checkRotaryTables } from './rotary-tables.ts';
import { findStateDict, withoutUnused, type StateDict } from './state-dict.ts';
import { isDense } from '../../shared/tasks.ts';

export interface ImportOptions {
  checkpointPath: string;
  /** What its makers call the file, where it lies under another name. */
  originalName?: string | undefined;
  /** Name of the new model: becomes the file name of the package. */
  name: string;
  /** Folder that the package is written to; created when it is missing. */
  modelsFolder: string;
  /** Wins over what the checkpoint's arguments record; needed when they record nothing. */
  architecture?: ClassTokenArchitecture | undefined;
  /** One label per line; see readLabels. */
  labelsPath?: string | undefined;
  /** One ratio r, meaning r, r^2, r^3, or one ratio per stage with commas between. */
  tokenKeep?: string | undefined;
  /** Blocks before which patches are pruned. */
  pruningLayers?: readonly number[] | undefined;
  /** Of segmentation and detection models: whether a block adds the mean of its directions, not their sum. */
  halveDirections?: boolean | undefined;
  /** Share of the resized picture that a classifier's crop takes. */
  cropRatio?: number | undefined;
  /** Licence of the weights, for the model card; a checkpoint does not record one. */
  licence?: string | undefined;
  /** What was published of the model, for its card. */
  published?: Published | undefined;
}

const UNKNOWN_LICENCE = 'Not recorded in the checkpoint; ask where it came from';

export const OTHER_MODEL_HINT = 'The weights belong to another model, or the file is incomplete.';

/**
 * Turns a checkpoint of the original project (`.pth`) into a model package `<modelsFolder>/<name>.safetensors`.
 * The same file and options give the same bytes. Nothing is written when anything is wrong.
 * Rejects with BAD_CHECKPOINT, BAD_ARGUMENT, NOT_FOUND or FILE_SYSTEM.
 */
export async function importCheckpoint(options: ImportOptions): Promise<ModelPackage> {
  const path = packagePath(options.modelsFolder, options.name);
  await refuseExisting(path, options.name);
  const file = await openCheckpoint(options.checkpointPath);
  try {
    const state = findStateDict(file.root);
    const model = describeModel(state, options);
    const problem = shapeProblem(tensorShapes(model), shapesOf(withoutUnused(state)));
    if (problem !== undefined) throw badCheckpoint(problem, OTHER_MODEL_HINT);
    const reader = new TensorReader(file);
    if (isDense(model) && model.rotary) {
      await checkRotaryTables(state, reader, {
        embedDim: model.embedDim,
        side: model.imageSize / model.patchSize,
      });
    }
    const manifest = await makeManifest(state, model, options);
    const tensors = tensorSources(reader, withoutUnused(state));
    const metadata = (dataSha256: string) => ({
      [MANIFEST_KEY]: JSON.stringify({ ...manifest, dataSha256 }),
    });
    await writeSafetensors(path, tensors, metadata, placeNew);
  } finally {
    await file.close();
  }
  return { name: options.name, path, bundled: false, ...(await readPackage(path)) };
}

async function makeManifest(state: StateDict, model: ModelDescription, options: ImportOptions) {
  return {
    format: 1,
    name: options.name,
    ...model,
    labels: await labelsFor(model, options.labelsPath, state),
    provenance: {
      file: options.originalName ?? basename(options.checkpointPath),
      sha256: await sha256OfFile(options.checkpointPath),
      weights: state.source,
      ...(state.epoch === undefined ? {} : { epoch: state.epoch }),
      training: state.args.describe(),
    },
    ...(options.published === undefined ? {} : { published: options.published }),
    licence: options.licence ?? UNKNOWN_LICENCE,
  };
}

export function shapesOf(state: StateDict): Map<string, readonly number[]> {
  return new Map([...state.tensors].map(([name, tensor]) => [name, tensor.shape]));
}

function tensorSources(reader: TensorReader, state: StateDict): TensorSource[] {
  return [...state.tensors].map(([name, tensor]) => {
    const { type } = tensor.storage;
    if (!isTensorType(type)) {
      throw badCheckpoint(
        `The tensor ${name} has elements of type ${type}, not F32, F16 or BF16`,
        OTHER_MODEL_HINT,
      );
    }
    return {
      name,
      type,
      shape: tensor.shape,
      read: async () => {
        const bytes = await reader.read(tensor, name);
        if (allFinite(bytes, type)) return bytes;
        throw badCheckpoint(
          `The tensor ${name} holds a value that is not finite`,
          'The training of this file diverged.',
        );
      },
    };
  });
}

async function refuseExisting(path: string, name: string): Promise<void> {
  if (await isThere(path)) {
    throw new AppError(
      'BAD_ARGUMENT',
      `There is a model ${name} already`,
      'Remove it first, or choose another name.',
    );
  }
}
