import { readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { codeOf } from '../../shared/errors.ts';
import { foldName } from '../../shared/fold-name.ts';
import { folderNameOf } from '../files/folder-name.ts';
import { temporaryName } from './place-file.ts';

/** Gives every label a folder of its own, and every file a name in it that no other has. */
export class PlaceNames {
  readonly #target: string;
  readonly #folders = new Map<string, string>(); // name by label
  readonly #takenFolders = new Set<string>();
  readonly #taken = new Map<string, Set<string>>(); // names in each folder
  readonly #numbers = new Map<string, number>(); // the last that was tried for a name

  constructor(target: string) {
    this.#target = target;
  }

  /** Name of the label's folder; labels that differ only in case or in refused characters do not share one. */
  folderOf(label: string): string {
    const known = this.#folders.get(label);
    if (known !== undefined) return known;
    const { name } = firstFree(folderNameOf(label), 1, (tried) => this.#takenFolders.has(foldName(tried)));
    this.#takenFolders.add(foldName(name));
    this.#folders.set(label, name);
    return name;
  }

  /** A free path for a file in a folder below the target: `name.jpg`, else `name (2).jpg` and so on. */
  async take(folder: string, name: string): Promise<string> {
    const path = join(this.#target, folder);
    const taken = await this.#takenIn(path);
    const key = `${folder}/${foldName(name)}`;
    const free = firstFree(name, this.#numbers.get(key) ?? 1, (tried) => isTaken(taken, tried));
    this.#numbers.set(key, free.number);
    taken.add(foldName(free.name));
    return join(path, free.name);
  }

  async #takenIn(path: string): Promise<Set<string>> {
    const known = this.#taken.get(path);
    if (known !== undefined) return known;
    const names = await readdir(path).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    });
    const taken = new Set(names.map(foldName));
    this.#taken.set(path, taken);
    return taken;
  }
}

/** The name itself for number 1, else the first of `name (2).jpg`, ... from `number` on that is not taken. */
function firstFree(
  name: string,
  number: number,
  isTaken: (name: string) => boolean,
): { name: string; number: number } {
  const extension = extname(name);
  const stem = name.slice(0, name.length - extension.length);
  for (;;) {
    const tried = number === 1 ? name : `${stem} (${number})${extension}`;
    if (!isTaken(tried)) return { name: tried, number };
    number++;
  }
}

/** Whether a file has a name, or another Winnow is about to give it to one. */
function isTaken(taken: ReadonlySet<string>, name: string): boolean {
  return taken.has(foldName(name)) || taken.has(foldName(temporaryName(name)));
}
