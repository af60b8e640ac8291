import { extname } from 'node:path';
import { AppError } from '../../shared/errors.ts';
import type { LabelTable, LabelTableQuestion } from '../../shared/api/labels.ts';
import { formatOf, MAY_BE_LABELS } from './choose-format.ts';
import { toReadError } from './label-text.ts';
import { isZip, openSource } from './open-source.ts';
import { csv, describeTable } from './readers/csv.ts';
import { listZip } from './unpack-zip.ts';

const TABLES = new Set(['.csv', '.tsv']);

/**
 * The columns of a file that would be read as a table, or of the one in a folder or a zip, which is unpacked into the folder
 * `unpackTo`; undefined of all else, also of what an import would refuse. Throws NOT_FOUND, FILE_SYSTEM, or BAD_ARGUMENT for
 * a file that cannot be read.
 */
export async function labelTable(
  { path, format: name, purpose }: LabelTableQuestion,
  unpackTo: string,
): Promise<LabelTable | undefined> {
  try {
    const isArchive = await isZip(path);
    if (isArchive && !(await hasTablesAlone(path))) return undefined;
    const { format, source } = await formatOf(await openSource(path, unpackTo), name);
    return format === csv ? describeTable(source, purpose) : undefined;
  } catch (error) {
    if (error instanceof AppError && error.code === 'BAD_ARGUMENT') return undefined;
    throw toReadError(error, path);
  }
}

/** Whether all of an archive's files that may be labels are tables: what has other files, too, is large, or read as those. */
async function hasTablesAlone(path: string): Promise<boolean> {
  const endings = (await listZip(path)).map((file) => extname(file).toLowerCase());
  const labels = endings.filter((ending) => MAY_BE_LABELS.has(ending));
  return labels.length > 0 && labels.every((ending) => TABLES.has(ending));
}
