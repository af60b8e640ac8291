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
  /** `mend`: damaged results become pending, to be predicted again. */
  checkLibrary: z.strictObject({ mend: z.boolean().optional() }),
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
  /** Reads all of the library and compares every row with its checksum. */
  checkLibrary: LibraryCheck;
  /** Puts a backup in the library's place; the present library becomes a backup first. */
  restoreLibrary: LibraryInfo;
  clearThumbnails: undefined;
}

/** What a check found. A library without any of it is as it was written. */
export interface LibraryCheck {
  rows: number; // that were compared
  /** What SQLite says of the file itself: only a backup mends that. */
  problems: string[];
  /** Results and what was found that are not what was written, by run; `paths`: the first of them. */
  results: { runId: number; images: number; paths: string[] }[];
  /** Of people: only a backup has them as they were. */
  reviews: { images: number; paths: string[] };
  /** Names of damaged folders, images, models and runs themselves. */
  others: string[];
  /** Whether the damaged results were made pending. */
  mended: boolean;
}

export interface LibraryBackup {
  path: string;
  createdAt: string; // ISO 8601
  bytes: number;
}

/** Name of the bundled model that devices are tried with. */
export const SAMPLE_MODEL = 'parts';

/** Pictures that come with Winnow, and the bundled model that they are for. */
export interface Samples {
  folder: string;
  model: string;
}

/** What the first start and the demo label, by sub-folders of the samples. */
export const SAMPLES = [
  { folder: 'parts', model: SAMPLE_MODEL },
  { folder: 'scenes', model: 'parts-boxes' },
] as const satisfies readonly Samples[];

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
  samples: Samples[]; // SAMPLES, with whole paths
  version: string; // of Winnow
}
