import type { LabelPurpose, LabelTable } from '../../shared/api/labels.ts';
import { LABEL_FORMATS } from './formats.ts';
import { toReadError } from './label-text.ts';
import { openPlainFile } from './open-source.ts';
import { csv, describeTable } from './readers/csv.ts';

/**
 * The columns of a file that would be read as a table; undefined of any other, of folders and of archives. Throws NOT_FOUND,
 * FILE_SYSTEM or BAD_ARGUMENT for what cannot be read.
 */
export async function labelTable(
  path: string,
  format: string | undefined,
  purpose: LabelPurpose['kind'],
): Promise<LabelTable | undefined> {
  const source = await openPlainFile(path).catch((error: unknown) => {
    throw toReadError(error, path);
  });
  if (source === undefined) return undefined;
  const known = LABEL_FORMATS.find((one) =>
    format === undefined ? one.recognise(source) : one.name === format,
  );
  return known === csv ? describeTable(source, purpose) : undefined;
}
