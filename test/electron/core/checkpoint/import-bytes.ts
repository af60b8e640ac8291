import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  importCheckpoint,
  type ImportOptions,
} from '../../../../electron/core/checkpoint/import-checkpoint.ts';
import type { ModelPackage } from '../../../../electron/shared/model-package.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { dynamicModel, TINY_ARGS, trainingCheckpoint } from './tiny-model.ts';
import { Arguments, saveZip, TorchTensor, type Source } from './torch-save.ts';

/** The checkpoint of a golden in the repository. */
export function golden(name: string): string {
  return fileURLToPath(new URL(`../../../golden/${name}/checkpoint.pth`, import.meta.url));
}

export type Given = Partial<Omit<ImportOptions, 'modelsFolder'>>;

/** Imports a file of these bytes into a fresh folder. */
export async function importBytes(
  context: TestContext,
  file: Uint8Array,
  given: Given = {},
): Promise<ModelPackage> {
  const folder = await temporaryFolder(context);
  const checkpointPath = join(folder, 'checkpoint.pth');
  await writeFile(checkpointPath, file);
  const modelsFolder = join(folder, 'models');
  try {
    return await importCheckpoint({
      checkpointPath,
      name: 'tiny',
      modelsFolder,
      pruningLayers: [1],
      ...given,
    });
  } catch (error) {
    assert.deepEqual(
      existsSync(modelsFolder) ? await readdir(modelsFolder) : [],
      [],
      'something was written',
    );
    throw error;
  }
}

export function tiny(model = dynamicModel(), args: Record<string, Source> = TINY_ARGS): Buffer {
  return saveZip(trainingCheckpoint(model, [['args', new Arguments(args)]]));
}

/** `dynamicModel` with one tensor replaced. */
export function withTensor(
  name: string,
  fields: ConstructorParameters<typeof TorchTensor>[0],
): Map<string, Source> {
  return dynamicModel().set(name, new TorchTensor(fields));
}
