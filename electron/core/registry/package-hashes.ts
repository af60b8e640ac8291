import { readFileSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { parseBounded } from '../../shared/bounded-json.ts';
import { stateOf } from '../files/file-identity.ts';
import { PRIVATE_FOLDER } from '../files/private.ts';
import { writeFileWhole } from '../files/write-file.ts';
import { hashPackage } from '../packages/read-package.ts';

const KEPT = 200; // packages
const BOUNDS = { characters: 2 ** 20, depth: 4, containers: 2 * KEPT, keys: 4 * KEPT };

const keptSchema = z.record(z.string(), z.strictObject({ state: z.string(), sha256: z.string() }));
type Kept = z.infer<typeof keptSchema>[string];

/**
 * SHA-256 of whole packages whose tensors are those that they were written with. A file is read when it is new or has
 * changed; what was found is kept by path, device, inode, size and times, also for the next process when `file` is given.
 */
export class PackageHashes {
  readonly #file: string | undefined;
  #kept: Map<string, Kept> | undefined;

  constructor(file?: string) {
    this.#file = file;
  }

  /** Hex. Rejects with NOT_FOUND when there is no such file, BAD_MODEL when its tensors were altered. */
  async of(path: string): Promise<string> {
    const place = resolve(path);
    const kept = (this.#kept ??= this.#read());
    const state = await versionOf(place);
    const known = kept.get(place);
    if (known !== undefined && known.state === state) return known.sha256;
    const sha256 = await hashPackage(place);
    if (state === undefined || state !== (await versionOf(place))) return sha256; // written to meanwhile
    kept.delete(place); // so that the last one is the newest
    kept.set(place, { state, sha256 });
    await this.#write(kept);
    return sha256;
  }

  #read(): Map<string, Kept> {
    if (this.#file === undefined) return new Map();
    try {
      const kept = keptSchema.parse(parseBounded(readFileSync(this.#file, 'utf8'), BOUNDS));
      return new Map(Object.entries(kept));
    } catch {
      return new Map(); // not there, or not understood: the packages are read again
    }
  }

  /** What cannot be kept costs the next process one reading of the package. */
  async #write(kept: ReadonlyMap<string, Kept>): Promise<void> {
    if (this.#file === undefined) return;
    try {
      await mkdir(dirname(this.#file), PRIVATE_FOLDER);
      await writeFileWhole(this.#file, [JSON.stringify(Object.fromEntries([...kept].slice(-KEPT)))]);
    } catch {
      // A full or read-only disk; runs say so where it matters.
    }
  }
}

/** What a file is now; undefined when there is none. The time of the last change of its inode tells writing that hides. */
async function versionOf(path: string): Promise<string | undefined> {
  try {
    const stats = await stat(path, { bigint: true });
    const { device, inode, fileSize, modifiedNs } = stateOf(stats);
    return [device, inode, fileSize, modifiedNs, stats.ctimeNs].join(' ');
  } catch {
    return undefined; // opening it says why
  }
}
