import { basename, dirname, join } from 'node:path';
import { fileTypeFromBuffer } from 'file-type';
import { isImage } from '../files/scan-folder.ts';
import { backupFolder } from '../store/tables/backups.ts';
import { identityOf, lookAt } from '../files/file-identity.ts';
import { isInside } from '../files/inside.ts';
import { isLibraryHeader, LIBRARY_ENDINGS } from '../files/library-files.ts';
import { openRegularFile } from '../files/regular-file.ts';
import { realPath } from '../files/real-path.ts';

const HEAD = 4100; // bytes that tell a file's format

/** Where Winnow keeps what is the person's. */
export interface OwnFileLocations {
  libraryPath: string;
  data: string; // folder of settings, trainings and thumbnails
  modelFolders: readonly string[];
}

/** The files and folders that no export and no backup may write over, whatever a person says. */
export class OwnFiles {
  readonly #locations: OwnFileLocations;

  constructor(locations: OwnFileLocations) {
    this.#locations = locations;
  }

  /**
   * What speaks against writing anything to `path`, there or not, as the end of a sentence: `the library`, `a file of a
   * library`, ...; undefined when nothing. `path`: absolute, its folder without links.
   */
  async objection(path: string): Promise<string | undefined> {
    const { libraryPath, data, modelFolders } = this.#locations;
    const library = await withoutLinks(libraryPath);
    const identity = await identityOf(path);
    for (const ending of ['', ...LIBRARY_ENDINGS]) {
      const file = library + ending;
      const same = identity !== undefined && (await identityOf(file)) === identity;
      if (path === file || same) return ending === '' ? 'the library itself' : 'a file of the library';
    }
    const base = LIBRARY_ENDINGS.map((ending) => path.endsWith(ending) && path.slice(0, -ending.length));
    for (const other of base) if (other !== false && (await isLibrary(other))) return 'a file of a library';
    for (const folder of modelFolders) if (await isWithin(path, folder)) return "among Winnow's models";
    for (const name of ['trainings', 'thumbnails', 'crashes', 'window'])
      if (await isWithin(path, join(data, name))) return `in Winnow's own folder ${name}`;
    const settings = await withoutLinks(data);
    if (
      ['settings.json', 'devices.json', 'package-hashes.json'].some((name) => path === join(settings, name))
    )
      return "one of Winnow's own files";
    return undefined;
  }

  /** Likewise against replacing the regular file that is there. */
  async objectionToReplacing(path: string): Promise<string | undefined> {
    const libraryFolder = backupFolder(await withoutLinks(this.#locations.libraryPath));
    if (await isWithin(path, libraryFolder)) return "among the library's backups";
    const head = await headOf(path);
    if (isLibraryHeader(head)) return 'a library or a backup of one';
    const type = (await fileTypeFromBuffer(head))?.mime ?? '';
    return type.startsWith('image/') || isImage(path) ? 'a picture' : undefined;
  }
}

/** The path with the links of its folder followed, as far as that is there. */
export async function withoutLinks(path: string): Promise<string> {
  const folder = await realPath(dirname(path)).catch(() => dirname(path));
  return join(folder, basename(path));
}

async function isWithin(path: string, folder: string): Promise<boolean> {
  const real = await realPath(folder).catch(() => folder);
  return path === real || isInside(path, real);
}

async function isLibrary(path: string): Promise<boolean> {
  if ((await lookAt(path))?.isFile() !== true) return false;
  return isLibraryHeader(await headOf(path).catch(() => Buffer.alloc(0)));
}

async function headOf(path: string): Promise<Buffer> {
  const file = await openRegularFile(path, 'library');
  try {
    const head = Buffer.alloc(HEAD);
    const { bytesRead } = await file.read(head, 0, HEAD, 0);
    return head.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
