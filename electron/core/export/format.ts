import type { ExportFormatInfo } from '../../shared/api/exports.ts';
import type { Task } from '../../shared/model-package.ts';
import type { FileContent } from '../files/write-file.ts';
import type { RowPage } from '../results/run-rows.ts';
import type { CountedRow, ExportedTable } from './columns.ts';
import type { FoundContent } from './found-content.ts';
import type { FolderTarget } from './write-folder.ts';

interface FormatFacts extends ExportFormatInfo {
  /** Models whose runs can be written so. */
  tasks: readonly Task[];
  /** Whether a file of it is text, so that it can go to standard output. */
  isText: boolean;
}

/** A table with a row per file. */
export interface TableFormat extends FormatFacts {
  of: 'files';
  place: 'file';
  write(rows: Iterable<RowPage<CountedRow>>, table: ExportedTable, bom: boolean): FileContent;
}

/** What was found, as one file. `table`: what columns need, for formats that have any. */
export interface FoundFileFormat extends FormatFacts {
  of: 'found';
  place: 'file';
  write(content: FoundContent, table: ExportedTable, bom: boolean): FileContent;
}

/** What was found, as a folder of files. */
export interface FoundFolderFormat extends FormatFacts {
  of: 'found';
  place: 'folder';
  write(content: FoundContent, target: FolderTarget): Promise<void>;
}

/** All that is to be known of a format of exports. A new one is a file with such a record, listed in formats.ts. */
export type ExportFormat = TableFormat | FoundFileFormat | FoundFolderFormat;

export const ALL_TASKS: readonly Task[] = ['classification', 'segmentation', 'detection'];
