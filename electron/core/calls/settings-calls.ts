import { statSync } from 'node:fs';
import { join } from 'node:path';
import packageJson from '../../../package.json' with { type: 'json' };
import { SAMPLES } from '../../shared/api/settings.ts';
import type { LibraryInfo, settingsArguments } from '../../shared/api/settings.ts';
import { AppError } from '../../shared/errors.ts';
import { backUpLibrary, newBackup } from '../library/back-up.ts';
import { describeDamage, mendResults } from '../library/check-library.ts';
import type { DailyBackup } from '../library/daily-backup.ts';
import { checkRestore, restoreLibrary } from '../library/restore.ts';
import { thumbnailFolder } from '../pictures/picture-source.ts';
import type { PictureSource } from '../pictures/picture-source.ts';
import type { RunService } from '../services/run-service.ts';
import { listBackups } from '../store/tables/backups.ts';
import { toLibraryError } from '../store/library-error.ts';
import type { AppContext, Calls } from '../app/app-context.ts';

interface Parts {
  runService: RunService;
  pictures: PictureSource;
  dailyBackup: DailyBackup;
}

export function settingsCalls(
  context: AppContext,
  { runService, pictures, dailyBackup }: Parts,
): Calls<keyof typeof settingsArguments> {
  const { settings, folders, libraryPath, clock } = context;
  const libraryInfo = async (): Promise<LibraryInfo> => {
    return {
      path: libraryPath,
      bytes: sizeOf(libraryPath) + sizeOf(`${libraryPath}-wal`),
      ...(await holdings(context)),
      backups: listBackups(libraryPath),
      thumbnails: { path: thumbnailFolder(folders.data), bytes: await pictures.cache.bytes() },
      samples: SAMPLES.map(({ folder, model }) => ({ folder: join(folders.samples, folder), model })),
      version: packageJson.version,
    };
  };
  return {
    settings: () => settings.read(),
    changeSettings: (changed) => settings.change(defined(changed)),
    libraryInfo,
    libraryState: () => ({ readOnly: context.library.readOnly }),
    backUpLibrary: async ({ out, force = false }) => {
      if (out === undefined) context.library.requireWritable(); // its backups lie beside it
      const now = clock();
      const wanted = { command: 'backup', format: 'library', force } as const;
      const place =
        out === undefined
          ? newBackup(libraryPath, 'manual', now)
          : await context.outputs.claim({ ...wanted, path: out });
      return backUpLibrary(context.library, place, now);
    },
    checkLibrary: async ({ mend = false }) => {
      if (mend) runService.refuseUnderWay('mend the library');
      const damage = await context.ask('findDamage', {});
      const mended = mend && mendResults(context.library, damage);
      return { ...describeDamage(damage), mended };
    },
    restoreLibrary: async ({ file, onlyCheck }) => {
      runService.refuseUnderWay('restore the library');
      if (onlyCheck === true) {
        checkRestore(libraryPath, file);
        return libraryInfo();
      }
      await dailyBackup.settled();
      const close = () => context.closeLibrary();
      const closeReaders = () => context.closeReaders();
      await context.replacing(() => restoreLibrary(libraryPath, file, { now: clock(), closeReaders, close }));
      return libraryInfo();
    },
    clearThumbnails: async () => {
      await pictures.cache.clear();
      return undefined;
    },
  };
}

/** What the library holds. One that cannot be read says why, for it is to be restored from one of its backups. */
async function holdings(
  context: AppContext,
): Promise<Pick<LibraryInfo, 'folders' | 'images' | 'runs' | 'readOnly' | 'problem'>> {
  try {
    const { readOnly } = context.library;
    return { ...(await context.ask('summary', {})), readOnly };
  } catch (error) {
    const reason = toLibraryError(error, context.libraryPath);
    if (!(reason instanceof AppError)) throw error;
    return { folders: 0, images: 0, runs: 0, readOnly: false, problem: reason.message };
  }
}

/** Without the keys that are there but undefined. */
function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
