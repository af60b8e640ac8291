import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { parseBounded } from '../../shared/bounded-json.ts';
import { syncFolder } from '../files/place-whole.ts';
import { PRIVATE_FOLDER } from '../files/private.ts';
import { writeFileWhole } from '../files/write-file.ts';

const BOUNDS = { characters: 2 ** 16, depth: 3, containers: 10, keys: 100 };

const noteSchema = z.strictObject({
  model: z.string(), // name in the catalogue
  address: z.string(),
  /** What tells this version of the file from others: the host's ETag or, without one, the time of its last change. */
  validator: z.string().optional(),
  bytes: z.int().nonnegative().optional(), // of the whole file
  sha256: z.string().optional(), // as the host says
});

/** What is known of a file whose beginning is here. */
export type DownloadNote = z.infer<typeof noteSchema>;

/**
 * The folder of a file that is being fetched: the beginning that has come, `partial`, and `note.json`, of which version of the
 * file it is. A file that is whole is called `complete`. What a killed process leaves is gone on with.
 */
export class DownloadFolder {
  readonly path: string;
  readonly partial: string;
  readonly complete: string;
  readonly #note: string;

  constructor(downloads: string, model: string) {
    this.path = join(downloads, model);
    this.partial = join(this.path, 'partial');
    this.complete = join(this.path, 'complete.pth');
    this.#note = join(this.path, 'note.json');
  }

  /** The file that processes take turns by. */
  get lock(): string {
    return join(this.path, 'lock');
  }

  async make(): Promise<void> {
    await mkdir(this.path, PRIVATE_FOLDER);
  }

  /** Undefined where nothing was begun, or what was is not understood. */
  async readNote(): Promise<DownloadNote | undefined> {
    try {
      return noteSchema.parse(parseBounded(await readFile(this.#note, 'utf8'), BOUNDS));
    } catch {
      return undefined; // the file is fetched from its beginning
    }
  }

  async writeNote(note: DownloadNote): Promise<void> {
    await writeFileWhole(this.#note, [`${JSON.stringify(note, undefined, 2)}\n`]);
  }

  /** Bytes that are here; `isWhole` once they were compared with what the host says. */
  async arrived(): Promise<{ bytes: number; isWhole: boolean }> {
    const whole = await sizeOf(this.complete);
    if (whole !== undefined) return { bytes: whole, isWhole: true };
    return { bytes: (await sizeOf(this.partial)) ?? 0, isWhole: false };
  }

  /** Says that the partial file is the whole one. */
  async finish(): Promise<void> {
    await rename(this.partial, this.complete);
    await syncFolder(this.path);
  }

  /** Forgets what has come, so that the next attempt begins anew. */
  async clear(): Promise<void> {
    await rm(this.partial, { force: true });
    await rm(this.complete, { force: true });
    await rm(this.#note, { force: true });
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size;
}
