import { constants } from 'node:fs';
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { AppError, codeOf } from '../../shared/errors.ts';
import { foldName } from '../../shared/fold-name.ts';
import type { ModelPackage } from '../../shared/model-package.ts';
import { importCheckpoint, type ImportOptions } from '../checkpoint/import-checkpoint.ts';
import { removeAbandoned } from '../files/partial-files.ts';
import { placeNew, placeWhole } from '../files/place-whole.ts';
import { PRIVATE_FOLDER } from '../files/private.ts';
import { readRegularFile } from '../files/regular-file.ts';
import { toFileSystemError } from '../files/write-file.ts';
import { modelCard } from './model-card.ts';
import { PackageHashes } from './package-hashes.ts';
import { isPackageName, PACKAGE_EXTENSION, packagePath } from '../packages/package-name.ts';
import { readPackage, verifyPackage } from '../packages/read-package.ts';

const MAX_NOTES_BYTES = 8 * 2 ** 20;

export interface ModelFolders {
  /** Packages that come with the app; never written to. */
  bundledFolder: string;
  /** The user's own packages; need not exist. */
  userFolder: string;
  /**
   * Where it is kept which packages were found unaltered, for the next process; kept for this one only where none is given.
   */
  hashes?: string;
}

/** A package as something was begun with it. */
export interface NamedContent {
  name: string;
  path: string;
  sha256: string; // of the whole file, hex
}

/** What the folders hold: packages by name, and files that are no valid package, with the reason. */
export interface ModelListing {
  packages: ModelPackage[];
  damaged: { path: string; error: AppError }[];
}

/** The model packages in the bundled folder and in the user's. */
export class ModelRegistry {
  readonly #bundledFolder: string;
  readonly #userFolder: string;
  readonly #hashes: PackageHashes;

  constructor(folders: ModelFolders) {
    this.#hashes = new PackageHashes(folders.hashes);
    this.#bundledFolder = resolve(folders.bundledFolder);
    this.#userFolder = resolve(folders.userFolder);
  }

  /** The folders that hold packages. */
  get folders(): string[] {
    return [this.#bundledFolder, this.#userFolder];
  }

  /** Every valid package, by name. A bundled package hides one of the user's with the same name. */
  async list(): Promise<ModelPackage[]> {
    return (await this.scan()).packages;
  }

  /** As `list`, with the files that cannot be used. */
  async scan(): Promise<ModelListing> {
    const packages = new Map<string, ModelPackage>();
    const damaged: ModelListing['damaged'] = [];
    for (const folder of [this.#bundledFolder, this.#userFolder]) {
      for (const name of await packageNames(folder)) {
        const path = packagePath(folder, name);
        try {
          if (!packages.has(name)) packages.set(name, this.#packageAt(path, await readPackage(path)));
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
          damaged.push({ path, error });
        }
      }
    }
    return { packages: [...packages.values()].sort((a, b) => (a.name < b.name ? -1 : 1)), damaged };
  }

  /** A package by name, or by the path of a `.safetensors` file. Rejects with NOT_FOUND or BAD_MODEL. */
  async find(nameOrPath: string): Promise<ModelPackage> {
    const path = await this.#locate(nameOrPath);
    return this.#packageAt(path, await readPackage(path));
  }

  /**
   * SHA-256 of a package that is going to be used, hex. Rejects with BAD_MODEL when its weights were altered. A file that has
   * not changed since is not read again.
   */
  sha256(model: Pick<ModelPackage, 'path'>): Promise<string> {
    return this.#hashes.of(model.path);
  }

  /**
   * The package with this content, at its place or by its name; undefined when it is not there any more. Rejects with
   * BAD_MODEL when what is there cannot be used.
   */
  async findContent({ name, path, sha256 }: NamedContent): Promise<ModelPackage | undefined> {
    let bad: AppError | undefined;
    for (const nameOrPath of [path, name]) {
      try {
        const model = await this.find(nameOrPath);
        if ((await this.sha256(model)) === sha256) return model;
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        if (error.code === 'BAD_MODEL') bad ??= error;
      }
    }
    if (bad === undefined) return undefined;
    const reason = bad.message.charAt(0).toLowerCase() + bad.message.slice(1);
    throw new AppError('BAD_MODEL', `The model ${name} cannot be used: ${reason}`, bad.hint, { cause: bad });
  }

  /** A package and its model card: a readable text with architecture, presets, origin, and the notes beside it. */
  async show(nameOrPath: string): Promise<{ model: ModelPackage; card: string }> {
    const model = await this.find(nameOrPath);
    const notes = await readNotes(join(dirname(model.path), `${model.name}.md`));
    return { model, card: notes === '' ? modelCard(model) : `${modelCard(model)}\n${notes.trimEnd()}\n` };
  }

  /** Reads every byte: names, shapes, hash, finite values. Rejects with NOT_FOUND or BAD_MODEL. */
  async verify(nameOrPath: string): Promise<ModelPackage> {
    const path = await this.#locate(nameOrPath);
    return this.#packageAt(path, await verifyPackage(path));
  }

  /**
   * Where a new package of this name is to lie, in the user's folder. Rejects with BAD_ARGUMENT when there is one already,
   * be it in other case, or for a name that is none.
   */
  async newPath(name: string): Promise<string> {
    const path = packagePath(this.#userFolder, name);
    await this.clear(); // also where the package is whole, and refused now
    for (const folder of [this.#bundledFolder, this.#userFolder]) {
      const names = (await packageNames(folder)).map(foldName);
      if (!names.includes(foldName(name))) continue;
      throw new AppError(
        'BAD_ARGUMENT',
        `There is a model ${name} already`,
        folder === this.#bundledFolder
          ? 'It came with Winnow; choose another name.'
          : 'Remove it first, or choose another name.',
      );
    }
    return path;
  }

  /** Removes what processes that are dead by now were writing into the user's folder. */
  clear(): Promise<void> {
    return removeAbandoned(this.#userFolder);
  }

  /** Imports a checkpoint into the user's folder. Rejects as `newPath` and `importCheckpoint` do. */
  async import(options: Omit<ImportOptions, 'modelsFolder'>): Promise<ModelPackage> {
    await this.newPath(options.name);
    return importCheckpoint({ ...options, modelsFolder: this.#userFolder });
  }

  /**
   * Copies a package, such as one that another computer exported, into the user's folder, when every byte of it is sound.
   * Rejects as `newPath` does, and with NOT_FOUND, BAD_MODEL, DISK_FULL or FILE_SYSTEM.
   */
  async adopt(file: string, name: string): Promise<ModelPackage> {
    const path = await this.newPath(name);
    await verifyPackage(file);
    try {
      await mkdir(this.#userFolder, PRIVATE_FOLDER);
      await placeWhole(path, (partial) => copyFile(file, partial, constants.COPYFILE_EXCL), placeNew);
    } catch (error) {
      throw toFileSystemError(error, path);
    }
    return this.find(name);
  }

  /**
   * Deletes a package of the user's folder; `onlyCheck`: only rejects with what speaks against it, which is NOT_FOUND, or
   * BAD_ARGUMENT for a bundled one.
   */
  async remove(name: string, onlyCheck = false): Promise<void> {
    if ((await packageNames(this.#userFolder)).includes(name)) {
      if (onlyCheck) return;
      await rm(packagePath(this.#userFolder, name)).catch((cause: unknown) => {
        throw new AppError('FILE_SYSTEM', `The model ${name} cannot be deleted`, 'Check permissions.', {
          cause,
        });
      });
      return;
    }
    if ((await packageNames(this.#bundledFolder)).includes(name)) {
      throw new AppError('BAD_ARGUMENT', `The model ${name} came with Winnow and cannot be removed`);
    }
    throw await this.#notFound(name);
  }

  async #locate(nameOrPath: string): Promise<string> {
    if (/[/\\]/.test(nameOrPath) || extname(nameOrPath) === PACKAGE_EXTENSION) return resolve(nameOrPath);
    for (const folder of [this.#bundledFolder, this.#userFolder]) {
      if ((await packageNames(folder)).includes(nameOrPath)) return packagePath(folder, nameOrPath);
    }
    throw await this.#notFound(nameOrPath);
  }

  async #notFound(name: string): Promise<AppError> {
    const names = (await this.list()).map((model) => model.name);
    const hint =
      names.length === 0 ? 'There are no models yet; import one.' : `Available: ${names.join(', ')}.`;
    return new AppError('NOT_FOUND', `There is no model named ${name}`, hint);
  }

  #packageAt(path: string, summary: Pick<ModelPackage, 'manifest' | 'bytes'>): ModelPackage {
    const bundled = dirname(path) === this.#bundledFolder;
    return { name: basename(path, PACKAGE_EXTENSION), path, bundled, ...summary };
  }
}

/** Names of the packages in a folder; none when the folder does not exist. */
async function packageNames(folder: string): Promise<string[]> {
  const files = await readdir(folder).catch((cause: unknown) => {
    if (codeOf(cause) === 'ENOENT') return [];
    throw new AppError('FILE_SYSTEM', `The models folder ${folder} cannot be read`, 'Check permissions.', {
      cause,
    });
  });
  return files
    .filter((file) => extname(file) === PACKAGE_EXTENSION)
    .map((file) => basename(file, PACKAGE_EXTENSION))
    .filter(isPackageName);
}

/** The text file that may lie beside a package. Rejects with BAD_ARGUMENT for a pipe, FILE_SYSTEM when it cannot be read. */
async function readNotes(path: string): Promise<string> {
  const bytes = await readRegularFile(path, 'notes', MAX_NOTES_BYTES).catch((cause: unknown) => {
    if (codeOf(cause) === 'ENOENT') return '';
    if (cause instanceof AppError) throw cause;
    throw new AppError('FILE_SYSTEM', `The notes ${path} cannot be read`, 'Check permissions.', { cause });
  });
  return bytes.toString();
}
