import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import PQueue from 'p-queue';
import { isMissing } from '../../shared/errors.ts';
import { isAbandoned, partialPath } from '../files/partial-files.ts';
import type { Clock } from '../../shared/clock.ts';
import { PRIVATE_FOLDER } from '../files/private.ts';

const USED_AGAIN = 3600_000; // milliseconds until another use is noted: a write per reading would be too many
const KEPT = 0.9; // share of the limit that is left when the oldest had to go
const STATS_AT_ONCE = 64;

interface Entry {
  path: string;
  bytes: number;
  usedMs: number;
}

/**
 * Thumbnails on the disk, a file for each: `<folder>/ab/<key>.webp`, in sub-folders by the key's first two digits. When
 * they outgrow the limit, those that were not used for longest go. A file's modification time is its last use. What killed
 * processes were writing goes when the files are first counted, with the first writing.
 */
export class ThumbnailCache {
  readonly #folder: string;
  readonly #limitBytes: () => number;
  readonly #clock: Clock;
  #total: number | undefined; // bytes; unknown until something is written
  #sweeping: Promise<void> | undefined;
  #failure: Error | undefined; // of a sweep; the next writing tells it

  constructor(folder: string, limitBytes: () => number, clock: Clock) {
    this.#folder = folder;
    this.#limitBytes = limitBytes;
    this.#clock = clock;
  }

  /** The thumbnail of a key (hex); undefined when there is none. */
  async read(key: string): Promise<Buffer | undefined> {
    const path = this.#pathOf(key);
    try {
      const [bytes, { mtimeMs }] = await Promise.all([readFile(path), stat(path)]);
      const now = this.#clock();
      if (now - mtimeMs > USED_AGAIN) await utimes(path, now / 1000, now / 1000);
      return bytes.length === 0 ? undefined : bytes;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** Keeps a thumbnail, whole or not at all. Rejects when the disk refuses it, or refused to delete before. */
  async write(key: string, bytes: Uint8Array): Promise<void> {
    if (bytes.length > this.#limitBytes()) return;
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
    const path = this.#pathOf(key);
    const partial = partialPath(dirname(path));
    try {
      await mkdir(dirname(path), PRIVATE_FOLDER);
      await writeFile(partial, bytes);
      await rename(partial, path);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
    if (this.#total !== undefined) this.#total += bytes.length;
    if (this.#total === undefined || this.#total > this.#limitBytes()) this.#sweep();
  }

  /** Size of all thumbnails. */
  async bytes(): Promise<number> {
    await this.#sweeping;
    return sum(await this.#entries());
  }

  async clear(): Promise<void> {
    await this.#sweeping;
    await rm(this.#folder, { recursive: true, force: true });
    this.#total = undefined;
  }

  #pathOf(key: string): string {
    return join(this.#folder, key.slice(0, 2), `${key}.webp`);
  }

  /** Counts the bytes, and deletes the oldest when they are too many, while others go on; one sweep at a time. */
  #sweep(): void {
    this.#sweeping ??= this.#deleteOldest()
      .catch((error: unknown) => void (this.#failure = toError(error)))
      .finally(() => (this.#sweeping = undefined));
  }

  async #deleteOldest(): Promise<void> {
    const entries = await this.#entries();
    this.#total = sum(entries);
    const limit = this.#limitBytes();
    if (this.#total <= limit) return;
    entries.sort((one, other) => one.usedMs - other.usedMs);
    for (const { path, bytes } of entries) {
      if (this.#total <= limit * KEPT) break;
      await rm(path, { force: true });
      this.#total -= bytes;
    }
  }

  async #entries(): Promise<Entry[]> {
    const files = await readdir(this.#folder, { recursive: true, withFileTypes: true }).catch(
      (error: unknown) => {
        if (isMissing(error)) return [];
        throw error;
      },
    );
    const queue = new PQueue({ concurrency: STATS_AT_ONCE });
    const entries = await queue.addAll(
      files.filter((file) => file.isFile()).map((file) => () => entryOf(file.parentPath, file.name)),
    );
    return entries.filter((entry) => entry !== undefined);
  }
}

async function entryOf(folder: string, name: string): Promise<Entry | undefined> {
  const path = join(folder, name);
  try {
    if (isAbandoned(name)) {
      await rm(path, { force: true });
      return undefined;
    }
    const { size, mtimeMs } = await stat(path);
    return { path, bytes: size, usedMs: mtimeMs };
  } catch (error) {
    if (isMissing(error)) return undefined; // written and renamed, or deleted, meanwhile
    throw error;
  }
}

function sum(entries: readonly Entry[]): number {
  return entries.reduce((total, { bytes }) => total + bytes, 0);
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
