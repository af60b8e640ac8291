import { z } from 'zod';
import { onlyCheck, path, threads } from './arguments.ts';

const GB = 10 ** 9;

/** What a person can set. */
const shape = {
  theme: z.enum(['system', 'light', 'dark'], 'a theme must be system, light or dark'),
  language: z.enum(['system', 'en', 'de'], 'a language must be system, en or de'),
  /** Of the processor, for decoding and predicting; null takes all. */
  threads: threads.nullable(),
  thumbnailCacheBytes: z.int('a size is a whole number of bytes').min(0),
  /** Whether the first start's welcome was seen. */
  welcomed: z.boolean(),
};

/** The settings as settings.json of the data folder holds them; what it leaves out has a default. */
export const settingsSchema = z.strictObject({
  theme: shape.theme.default('system'),
  language: shape.language.default('system'),
  threads: shape.threads.default(null),
  thumbnailCacheBytes: shape.thumbnailCacheBytes.default(GB),
  welcomed: shape.welcomed.default(false),
});
export type Settings = z.infer<typeof settingsSchema>;

/** Calls about settings and the library file itself. */
export const settingsArguments = {
  settings: z.strictObject({}),
  changeSettings: z.strictObject(shape).partial(),
  libraryInfo: z.strictObject({}),
  libraryState: z.strictObject({}),
  backUpLibrary: z.strictObject({ out: path.optional(), force: z.boolean().optional() }),
  restoreLibrary: z.strictObject({ file: path, onlyCheck }),
  clearThumbnails: z.strictObject({}),
} as const;

export interface SettingsResults {
  settings: Settings;
  changeSettings: Settings;
  libraryInfo: LibraryInfo;
  /** Whether the library may be read only; rejects with LIBRARY when it cannot be opened. */
  libraryState: Pick<LibraryInfo, 'readOnly'>;
  /**
   * Writes a copy of the library while it is in use; by default among the backups beside it. A file that is there is
   * replaced as `exportRun` does; another library or a backup only where this library's backup was written before.
   */
  backUpLibrary: LibraryBackup;
  /** Puts a backup in the library's place; the present library becomes a backup first. */
  restoreLibrary: LibraryInfo;
  clearThumbnails: undefined;
}

export interface LibraryBackup {
  path: string;
  createdAt: string; // ISO 8601
  bytes: number;
}

/** Name of the bundled model that the sample pictures are for. */
export const SAMPLE_MODEL = 'parts';

export interface LibraryInfo {
  path: string;
  bytes: number;
  folders: number;
  images: number;
  runs: number;
  /** Why the library cannot be read, such as damage; what it holds counts as nothing then. */
  problem?: string | undefined;
  readOnly: boolean; // may be read and not written: calls that would change it are rejected
  backups: LibraryBackup[]; // the last first
  thumbnails: { path: string; bytes: number };
  samples: string; // folder of the sample pictures, which SAMPLE_MODEL knows
  version: string; // of Winnow
}
