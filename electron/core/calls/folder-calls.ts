import { homedir } from 'node:os';
import { basename } from 'node:path';
import type { folderArguments, FolderListing, FolderScan } from '../../shared/api/folders.ts';
import { AppError } from '../../shared/errors.ts';
import { browseFolder } from '../files/browse-folder.ts';
import { isInside } from '../files/inside.ts';
import { folderExists, resolveFolder } from '../runs/run-folders.ts';
import { scanIntoLibrary } from '../runs/scan-library.ts';
import type { ExclusiveLock } from '../store/exclusive-lock.ts';
import type { CountedFolder, FolderRow } from '../store/tables/folders.ts';
import type { AppContext, Calls } from '../app/app-context.ts';

export function folderCalls(context: AppContext): Calls<keyof typeof folderArguments> {
  return {
    listFolders: async () => Promise.all((await context.ask('countFolders', {})).map(toListing)),
    addFolder: async ({ path }) => {
      const folder = await resolveFolder(path);
      return scan(context, folder, notices(folder, context.library.folders.paths()));
    },
    rescanFolder: async ({ folderId }) => {
      const { path } = folderRow(context, folderId);
      if (await folderExists(path)) return scan(context, path, []);
      throw new AppError(
        'NOT_FOUND',
        `The folder ${path} is not there now`,
        'Connect its drive, or remove it from the library if it is gone for good.',
      );
    },
    removeFolder: ({ folderId, onlyCheck }) => remove(context, folderRow(context, folderId), onlyCheck),
    browse: async ({ path }) => browseFolder(await resolveFolder(path ?? homedir())),
  };
}

/** What is to be said of a new folder. Throws BAD_ARGUMENT when it lies in one of the library's. */
function notices(folder: string, known: readonly string[]): string[] {
  if (known.includes(folder)) return [];
  const outer = known.find((path) => isInside(folder, path));
  if (outer !== undefined) {
    throw new AppError(
      'BAD_ARGUMENT',
      `The folder ${folder} is in the library already, as a part of ${outer}`,
      `Rescan ${outer} to see what is new in it.`,
    );
  }
  return known
    .filter((path) => isInside(path, folder))
    .map(
      (path) =>
        `${path} is in the library by itself too: its images are there twice, with reviews of their own`,
    );
}

async function scan(context: AppContext, path: string, said: readonly string[]): Promise<FolderScan> {
  const { library } = context;
  const heard = [...said];
  context.emit({ type: 'scanning', path, files: 0 });
  const news = await scanIntoLibrary(library, path, new AbortController().signal, {
    onFound: (files) => context.emit({ type: 'scanning', path, files }),
    onNotice: (message) => void heard.push(message),
  });
  const { added, changed, vanished } = news ?? { added: 0, changed: 0, vanished: 0 };
  const { id } = library.folders.ensure(path);
  const [folder] = await Promise.all((await context.ask('countFolders', { folderId: id })).map(toListing));
  if (folder !== undefined) return { folder, added, changed, vanished, notices: heard };
  throw new AppError('NOT_FOUND', `The folder ${path} was removed while it was scanned`);
}

/** `onlyCheck`: only throws what speaks against it. */
function remove(context: AppContext, folder: FolderRow, onlyCheck = false): undefined {
  const { library } = context;
  const right = acquireFor(context, folder);
  try {
    if (onlyCheck) return undefined;
    library.transaction(() => {
      library.folders.remove(folder.id);
      library.runs.forgetFolder(folder.path);
      library.reviewHistory.forgetMissingImages();
    });
  } finally {
    right.release();
  }
  return undefined;
}

/**
 * The right to remove a folder: that of writing alone, or none beside a run of this process, which shares the connection
 * and is at work on other folders.
 */
function acquireFor({ library }: AppContext, { path }: FolderRow): Pick<ExclusiveLock, 'release'> {
  const underWay = library.runs.all().filter(({ state }) => state === 'running' || state === 'scanning');
  const user = underWay.find(({ spec }) => spec.folders.includes(path));
  if (user !== undefined) {
    throw new AppError(
      'BAD_ARGUMENT',
      `The folder ${path} cannot be removed while run ${user.id} is at work on it`,
      `Pause ${user.elsewhere ? 'it in the other Winnow' : 'the run'} or wait for its end, then remove the folder.`,
    );
  }
  if (underWay.some(({ elsewhere }) => !elsewhere)) return { release: () => undefined };
  try {
    return library.acquireWriter();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError(
      error.code,
      `The folder ${path} cannot be removed while ${underWay.length > 0 ? 'another Winnow is at work in the library' : 'the library is worked on'}`,
      'Wait until that has ended, then remove the folder.',
      { cause: error },
    );
  }
}

/** Throws NOT_FOUND. */
function folderRow({ library }: AppContext, folderId: number): FolderRow {
  const row = library.folders.get(folderId);
  if (row !== undefined) return row;
  throw new AppError(
    'NOT_FOUND',
    `There is no folder ${folderId} in the library`,
    'It may have been removed.',
  );
}

async function toListing(folder: CountedFolder): Promise<FolderListing> {
  const name = basename(folder.path);
  return { ...folder, name: name === '' ? folder.path : name, missing: !(await folderExists(folder.path)) };
}
