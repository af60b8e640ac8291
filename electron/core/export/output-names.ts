import { basename } from 'node:path';
import { foldName } from '../../shared/fold-name.ts';
import { folderNameOf } from '../files/folder-name.ts';

/** Names in an export for the images of a run: the tree of their folders is kept, and no two get the same. */
export class OutputNames {
  readonly #prefixes: Map<string, string>;
  readonly #taken = new Set<string>();

  /** `folders`: of the run. Where there are several, paths start with the folder's name. */
  constructor(folders: readonly string[]) {
    const names = new Set<string>();
    this.#prefixes = new Map(
      folders.map((folder) => {
        if (folders.length === 1) return [folder, ''];
        const name = firstFree(folderNameOf(basename(folder)), names);
        names.add(foldName(name));
        return [folder, `${name}/`];
      }),
    );
  }

  /** An image's path in the export. */
  imagePath(folder: string, relativePath: string): string {
    return `${this.#prefixes.get(folder) ?? ''}${relativePath}`;
  }

  /** A file about an image: `a/b.jpg` gives `a/b` and the ending, or `a/b.jpg` and the ending where `a/b.png` had that. */
  file(imagePath: string, ending: string): string {
    const short = withoutExtension(imagePath) + ending;
    const name = this.#taken.has(foldName(short)) ? firstFree(imagePath, this.#taken, ending) : short;
    this.#taken.add(foldName(name));
    return name;
  }
}

/** Without the extension of the last part. */
export function withoutExtension(path: string): string {
  return path.replace(/(?<=[^/])\.[^./]*$/, '');
}

function firstFree(name: string, taken: ReadonlySet<string>, ending = ''): string {
  for (let number = 1; ; number++) {
    const tried = number === 1 ? `${name}${ending}` : `${name} (${number})${ending}`;
    if (!taken.has(foldName(tried))) return tried;
  }
}
