import { z } from 'zod';
import type { CatalogueModel } from '../catalogue.ts';
import type { ErrorCode } from '../errors.ts';
import { modelName, path } from './arguments.ts';

const model = z.string().min(1, 'a model of the catalogue is named by its name');

/** Calls about models that others have published. */
export const downloadArguments = {
  availableModels: z.strictObject({}),
  startDownload: z.strictObject({ model }),
  pauseDownload: z.strictObject({ model }),
  cancelDownload: z.strictObject({ model }),
  exportModel: z.strictObject({ model: modelName, folder: path }),
} as const;

export interface DownloadResults {
  /** The catalogue, with what is here of it. */
  availableModels: AvailableModel[];
  /** Starts to fetch a model, or goes on; comes back at once, and `download` events tell how it goes on. */
  startDownload: Download;
  /** Comes back when it has stopped; what has come stays. */
  pauseDownload: undefined;
  /** Ends it, and forgets what has come. */
  cancelDownload: undefined;
  /** Copies a model of a person's into a folder, such as one on a stick; gives the path of the copy. */
  exportModel: string;
}

export interface AvailableModel {
  model: CatalogueModel;
  /** Names of the packages that were made of it. */
  packages: string[];
  /** What is under way, or has come of it so far. */
  download: Download | undefined;
}

/** How far a file that is fetched has come. */
export interface Download {
  model: string; // name in the catalogue
  /**
   * asking: of the host, what the file is; waiting: until the host may be asked again; checking: against what the host said;
   * importing: of the checkpoint; done, paused and failed: not under way.
   */
  phase: 'asking' | 'waiting' | 'fetching' | 'checking' | 'importing' | 'done' | 'paused' | 'failed';
  done: number; // bytes that have come
  total: number | undefined; // as far as the host says it
  bytesPerSecond: number; // 0 while nothing is measured
  secondsLeft: number | undefined; // of waiting: until it is asked again
  /** Why it failed. */
  error: { code: ErrorCode; message: string; hint?: string | undefined } | undefined;
  /** The package that was made, when it is done. */
  package: string | undefined;
}

export interface DownloadEvent {
  type: 'download';
  download: Download;
}
