import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { importCheckpoint } from '../../../../electron/core/checkpoint/import-checkpoint.ts';
import type { ModelPackage } from '../../../../electron/shared/model-package.ts';
import {
  detectionCheckpoint,
  dynamicModel,
  segmentationCheckpoint,
  TINY_ARGS,
  trainingCheckpoint,
} from '../checkpoint/tiny-model.ts';
import { Arguments, saveZip } from '../checkpoint/torch-save.ts';

/** Writes a package of the small dynamic model into a folder. */
export async function writeTinyPackage(modelsFolder: string, name: string): Promise<ModelPackage> {
  const checkpointPath = join(modelsFolder, 'tiny.pth');
  await writeFile(
    checkpointPath,
    saveZip(trainingCheckpoint(dynamicModel(), [['args', new Arguments(TINY_ARGS)]])),
  );
  return importCheckpoint({ checkpointPath, name, modelsFolder, pruningLayers: [1] });
}

/** Writes a package of the small segmentation or detection model into a folder. */
export async function writeTinyDensePackage(
  modelsFolder: string,
  task: 'segmentation' | 'detection',
): Promise<ModelPackage> {
  const checkpointPath = join(modelsFolder, 'tiny.pth');
  const given = { checkpointPath, name: task, modelsFolder };
  if (task === 'segmentation') {
    await writeFile(checkpointPath, saveZip(segmentationCheckpoint()));
    return importCheckpoint({ ...given, tokenKeep: '0.5', pruningLayers: [1] });
  }
  await writeFile(checkpointPath, saveZip(detectionCheckpoint()));
  return importCheckpoint({ ...given, halveDirections: true });
}
