import { lstat, rename } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { AppError, codeOf } from '../../shared/errors.ts';
import type { Library } from '../store/library.ts';
import type { WrittenFile } from '../store/written-files.ts';
import { toFileSystemError, writeFileWhole } from '../files/write-file.ts';
import type { FileContent } from '../files/write-file.ts';
import { isSameState, lookAt, stateOf } from '../files/file-identity.ts';
import type { FileIdentity } from '../files/file-identity.ts';
import type { OwnFiles } from './own-files.ts';
import { withoutLinks } from './own-files.ts';
import { removeAbandoned } from '../files/partial-files.ts';
import { placeNew, placeWhole } from '../files/place-whole.ts';

/** A file that a person wants written. */
export interface WantedFile {
  path: string;
  command: 'export' | 'confusion' | 'backup';
  format: string;
  force: boolean; // whether the person has said that a file that is there may be replaced
  runId?: number | undefined; // whose results it is to hold
}

/**
 * The files that a person has written, by one rule: at the place is nothing, or a regular file that is replaced only when
 * the person says so. What the same command wrote there in the same format, and nobody has touched since, is replaced
 * without that: the library remembers it by size, time and inode. Winnow's own files, libraries and pictures are never
 * replaced.
 */
export class OutputFiles {
  readonly #library: () => Library;
  readonly #own: OwnFiles;

  /** `library`: opens it when it is needed. */
  constructor(library: () => Library, own: OwnFiles) {
    this.#library = library;
    this.#own = own;
  }

  /**
   * Makes sure that a file may be written. Throws FILE_EXISTS when there is one that only `force` replaces, BAD_ARGUMENT for
   * what nothing replaces, and FILE_SYSTEM when its folder is not there.
   */
  async claim(wanted: WantedFile): Promise<OutputFile> {
    const path = resolve(wanted.path);
    const place = await withoutLinks(path);
    await requireFolder(dirname(place), path);
    await removeAbandoned(dirname(place)); // also where the file is whole, and refused now
    refuse(await this.#own.objection(place), path);
    const stats = await lookAt(place);
    if (stats !== undefined && !stats.isFile()) throw noFile(path, stats);
    const present = stats && stateOf(stats);
    if (present !== undefined) await this.#mayReplace({ ...wanted, path: place }, present, path);
    return new OutputFile(path, present, (written) => this.#remember({ ...wanted, path: place }, written));
  }

  async #mayReplace(wanted: WantedFile, present: FileIdentity, shown: string): Promise<void> {
    if (isSameState(this.#library().writtenFiles.get(wanted), present)) return;
    refuse(await this.#own.objectionToReplacing(wanted.path), shown);
    if (!wanted.force) throw exists(shown);
  }

  #remember({ path, command, format, runId }: WantedFile, identity: FileIdentity): void {
    if (this.#library().readOnly) return; // it will be asked about again
    const file: WrittenFile = { path, command, format, runId: runId ?? null, identity };
    this.#library().writtenFiles.put(file);
  }
}

/** A place that a file may be written to. */
export class OutputFile {
  readonly path: string; // absolute
  readonly #present: FileIdentity | undefined; // what was there
  readonly #onWritten: (written: FileIdentity) => void;

  constructor(path: string, present: FileIdentity | undefined, onWritten: (written: FileIdentity) => void) {
    this.path = path;
    this.#present = present;
    this.#onWritten = onWritten;
  }

  /** Writes it whole or not at all; rejects as `writeFileWhole` does, and with FILE_EXISTS when another came meanwhile. */
  async write(content: FileContent, signal?: AbortSignal): Promise<void> {
    await writeFileWhole(this.path, content, { signal, place: this.#place });
  }

  /** The same for a file that `fill` makes at the path that it is given. */
  async fill(fill: (partial: string) => Promise<void>): Promise<void> {
    await placeWhole(this.path, fill, this.#place);
  }

  readonly #place = async (partial: string, path: string): Promise<void> => {
    const stats = await lookAt(path);
    if (!isSameState(stats && stateOf(stats), this.#present)) throw exists(path);
    if (this.#present !== undefined) await rename(partial, path);
    else
      await placeNew(partial, path).catch((error: unknown) => {
        throw codeOf(error) === 'EEXIST' ? exists(path) : error;
      });
    this.#onWritten(stateOf(await lstat(path, { bigint: true })));
  };
}

/** Throws unless a folder that is to be written may be: BAD_ARGUMENT for Winnow's own places and for what is no folder. */
export async function requireFolderPlace(own: OwnFiles, path: string): Promise<void> {
  const place = await withoutLinks(path);
  refuse(await own.objection(place), path);
  const stats = await lookAt(place);
  if (stats?.isSymbolicLink() === true)
    throw new AppError('BAD_ARGUMENT', `Expected a new or empty folder, but ${path} is a link`, NAME_FOLDER);
}

const NAME_FILE = 'Name another file.';
const NAME_FOLDER = 'Name another folder.';

function refuse(objection: string | undefined, path: string): void {
  if (objection === undefined) return;
  throw new AppError(
    'BAD_ARGUMENT',
    `${path} is ${objection}, which nothing is written over`,
    'Name another place.',
  );
}

function exists(path: string): AppError {
  return new AppError(
    'FILE_EXISTS',
    `There is a file ${path} already, so nothing was written`,
    'Say --force to replace it, or name another file.',
  );
}

function noFile(path: string, stats: { isDirectory(): boolean; isSymbolicLink(): boolean }): AppError {
  if (stats.isDirectory())
    return new AppError('BAD_ARGUMENT', `Expected a file to write, but ${path} is a folder`, NAME_FILE);
  const kind = stats.isSymbolicLink() ? 'a link to another place' : 'a pipe or device';
  return new AppError(
    'BAD_ARGUMENT',
    `Expected a file to write, but ${path} is ${kind}`,
    'Name the file itself; `--out -` writes to standard output.',
  );
}

async function requireFolder(folder: string, path: string): Promise<void> {
  try {
    await lstat(folder);
  } catch (error) {
    throw toFileSystemError(error, path);
  }
}
