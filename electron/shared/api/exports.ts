import { z } from 'zod';
import { path, runId } from './arguments.ts';
import { resultFilterSchema } from './results.ts';

/** What a front has to know of a format; the formats are listed in core/export/formats.ts. */
export interface ExportFormatInfo {
  name: string; // as a request names it
  /** What it is about: the files, with a row for each; or what detection and segmentation models found in them. */
  of: 'files' | 'found';
  place: 'file' | 'folder';
  ending: string; // of a file's name, with its dot; '' of a folder
  /** What can be chosen: a byte order mark at the start, and the names of the columns. */
  options: readonly ('bom' | 'columns')[];
}

/**
 * Names of the columns of CSV, XLSX and detections: `label` is what holds, with `label_source` and `predicted_label` beside
 * it; or, as in earlier exports, `label` is the model's, with `human_label` beside it.
 */
export const COLUMN_SETS = ['standard', 'classic'] as const;
export type ColumnSet = (typeof COLUMN_SETS)[number];
const columns = z.enum(COLUMN_SETS, `columns must be ${COLUMN_SETS.join(' or ')}`).optional();
const format = z.string('a format must be a text'); // a name of ExportFormatInfo
const transfer = {
  runId,
  filter: resultFilterSchema.optional(),
  to: path, // folder that gets a sub-folder per label
  mode: z.enum(['copy', 'move'], 'a mode must be copy or move'),
};

/** Calls that write files: tables of results, and images sorted into class folders. */
export const exportArguments = {
  exportRun: z.strictObject({
    runId,
    format,
    out: path,
    bom: z.boolean().optional(), // start with a byte order mark, for spreadsheets; of formats that have it
    /** Whether a file that is there may be replaced; without it, the call is rejected with FILE_EXISTS. */
    force: z.boolean().optional(),
    columns, // standard without it
    /** Its `minScore` is that of the detections that are written; without it 0.5. */
    filter: resultFilterSchema.optional(),
  }),
  exportFormats: z.strictObject({ runId }),
  checkExport: z.strictObject({
    format,
    out: path,
    force: z.boolean().optional(),
  }),
  previewExport: z.strictObject({ runId, columns, filter: resultFilterSchema.optional() }),
  planTransfer: z.strictObject(transfer),
  transferFiles: z.strictObject(transfer),
  listTransfers: z.strictObject({}),
  undoTransfer: z.strictObject({ transferId: z.int().positive() }),
  resumeTransfer: z.strictObject({ transferId: z.int().positive() }),
  cancelExport: z.strictObject({}),
} as const;

export interface ExportResults {
  /**
   * Writes a file that is new. One that is there is replaced with `force`, or when the same export wrote it and nobody has
   * changed it since; else the call is rejected with FILE_EXISTS. Winnow's own files and pictures are never replaced.
   */
  exportRun: ExportSummary;
  /** The formats that fit the model of a run, in the order in which they are listed. */
  exportFormats: ExportFormatInfo[];
  /** Rejects as `exportRun` would because of the file, before there are results. */
  checkExport: undefined;
  previewExport: ExportPreview;
  /** What a transfer would do; touches nothing. */
  planTransfer: TransferPlan;
  /**
   * Copies or moves the images into a folder per label; files that exist are never overwritten. To a run, an image that
   * was moved has vanished once its folder is scanned again; its review stays, and undoing brings the file back.
   */
  transferFiles: TransferSummary;
  /** Transfers that can be undone, the last first. */
  listTransfers: TransferSummary[];
  /** Deletes the copies that are unchanged, or moves the files back. */
  undoTransfer: TransferSummary;
  /** Goes on with a transfer that was cut off, as the same one. Rejects with BAD_ARGUMENT one that cannot go on. */
  resumeTransfer: TransferSummary;
  /** Ends the export or transfer under way: its call is rejected with CANCELLED; a table that is half written is removed. */
  cancelExport: undefined;
}

export interface ExportSummary {
  path: string; // absolute
  rows: number; // files that the table has, or images that were written about
  /** Of detections and segmentation: objects that were written. */
  found?: number;
  /** Images whose pictures could not be had, where pictures are written; the first thousand. */
  failures?: { path: string; error: string }[];
}

/** The first rows as the table will have them. */
export interface ExportPreview {
  columns: string[];
  rows: string[][];
  total: number;
}

export interface TransferPlan {
  files: number;
  bytes: number;
  /** Sub-folders with the number of files that each gets. */
  labels: { label: string; folder: string; files: number }[];
  renamed: number; // files that get another name since theirs is taken
  withoutLabel: number; // failed or pending images and those without any detection, which stay where they are
  inPlace: number; // files that lie in their label's folder already, and stay
  missing: number; // files that are not there now
  freeBytes: number | undefined; // of the target's drive
}

export interface TransferSummary {
  transferId: number;
  to: string;
  mode: 'copy' | 'move';
  createdAt: string; // ISO 8601
  files: number; // that were copied or moved, or brought back
  failures: { path: string; error: string }[]; // the first thousand
  /** Whether all of it was taken back; what could not be brought back keeps a transfer among those that can be undone. */
  undone: boolean;
  /** What was cut off before its end, by a person, an error or the end of its process, and nobody is at work on. */
  interrupted: 'transferring' | 'undoing' | undefined;
  /** Whether a transfer that was cut off can go on: its run is there. */
  resumable: boolean;
}

export type ExportEvent = { type: 'exporting'; done: number; total: number };
