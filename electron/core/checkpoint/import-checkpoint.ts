import { AppError } from '../../shared/errors.ts';
import type { Manifest, ModelPackage } from '../../shared/model-package.ts';

export interface ImportOptions {
  checkpointPath: string;
  /** Name of the new model: becomes the file name of the package. */
  name: string;
  /** Folder that the package is written to; created when it is missing. */
  modelsFolder: string;
  /** Wins over what the checkpoint's arguments record; needed when they record nothing. */
  architecture?: Manifest['architecture'];
  /** One label per line, or `synset<TAB>name`. */
  labelsPath?: string;
  /** One ratio r, meaning r, r^2, r^3, or one ratio per stage with commas between. */
  tokenKeep?: string;
  /** Blocks before which patches are pruned. */
  pruningLayers?: readonly number[];
  /** Licence of the weights, for the model card; a checkpoint does not record one. */
  licence?: string;
}

/**
 * Turns a checkpoint of the original project (`.pth`) into a model package `<modelsFolder>/<name>.safetensors`.
 * The same file and options give the same bytes. Nothing is written when anything is wrong.
 * Rejects with BAD_CHECKPOINT, BAD_ARGUMENT, NOT_FOUND or FILE_SYSTEM.
 */
export function importCheckpoint(options: ImportOptions): Promise<ModelPackage> {
  return Promise.reject(
    new AppError('BAD_CHECKPOINT', `Importing ${options.checkpointPath} is not built yet`),
  );
}
