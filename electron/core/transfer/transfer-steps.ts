import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { ResultFilter } from '../../shared/api/results.ts';
import { AppError, isMissing } from '../../shared/errors.ts';
import { BLANK } from '../results/box-counts.ts';
import { heldLabel } from '../results/held-label.ts';
import { classLabels, leastScoreOf } from '../results/resolve-filter.ts';
import { runRows } from '../results/run-rows.ts';
import type { Library } from '../store/library.ts';
import type { RunRow } from '../store/tables/runs.ts';
import { PlaceNames } from './place-names.ts';
import { isUnchanged } from './same-file.ts';

/** What a transfer does with one image. */
export type TransferStep =
  | { kind: 'place'; file: PlacedFile }
  /**
   * Nothing: it has no label, since it failed or nothing was found in it; or it lies in its label's folder already, or was
   * put there before; or its file is not there.
   */
  | { kind: 'unlabelled' }
  | { kind: 'inPlace' }
  | { kind: 'missing'; source: string; label: string; folder: string };

interface FileStats {
  size: number;
  mtimeMs: number;
}

export interface PlacedFile {
  source: string; // absolute
  label: string;
  folder: string; // name of the label's folder
  place: string; // absolute
  fileSize: number;
  modifiedMs: number;
}

/**
 * Steps for the images of a run that pass the filter, a page at a time. The label is the person's, else the model's at the
 * filter's score; a blank image has none, but of a run that finds first that of its own class. Touches nothing.
 */
export async function* transferSteps(
  library: Library,
  run: RunRow,
  filter: ResultFilter,
  target: string,
): AsyncGenerator<TransferStep[]> {
  const names = new PlaceNames(target);
  const labels = classLabels(library, run);
  const minScore = leastScoreOf(library, run, filter.minScore);
  for (const { folder, rows } of runRows(library, run, filter)) {
    const found = await Promise.all(
      rows.map(async (row) => {
        const { label: held } = heldLabel(row, labels, minScore);
        const label = held === '' && run.spec.find !== undefined ? BLANK : held || undefined; // '' of a blank image
        const source = join(folder, row.relativePath);
        return { label, source, stats: label === undefined ? undefined : await fileStats(source) };
      }),
    );
    const steps: TransferStep[] = [];
    for (const { label, source, stats } of found) {
      if (label === undefined) steps.push({ kind: 'unlabelled' });
      else if (await isInPlace(library, source, stats, join(target, names.folderOf(label))))
        steps.push({ kind: 'inPlace' });
      else steps.push(await stepFor(source, label, stats, names));
    }
    yield steps;
  }
}

async function stepFor(
  source: string,
  label: string,
  stats: FileStats | undefined,
  names: PlaceNames,
): Promise<TransferStep> {
  const folder = names.folderOf(label);
  if (stats === undefined) return { kind: 'missing', source, label, folder };
  const place = await names.take(folder, basename(source));
  const modifiedMs = Math.floor(stats.mtimeMs);
  return { kind: 'place', file: { source, label, folder, place, fileSize: stats.size, modifiedMs } };
}

/** Whether an image lies in `folder`, or was put there before and both it and its copy are as they were. */
async function isInPlace(
  library: Library,
  source: string,
  stats: FileStats | undefined,
  folder: string,
): Promise<boolean> {
  if (stats !== undefined && dirname(source) === folder) return true;
  for (const { place, mode, ...then } of library.transfers.putBefore(source)) {
    if (dirname(place) !== folder) continue;
    const isAsThen = mode === 'move' ? stats === undefined : stats !== undefined && isUnchanged(stats, then);
    if (!isAsThen) continue;
    const there = await fileStats(place);
    if (there !== undefined && isUnchanged(there, then)) return true;
  }
  return false;
}

/** The target of a transfer as an absolute path; it need not be there. Throws BAD_ARGUMENT for what is no folder. */
export async function resolveTarget(to: string): Promise<string> {
  const target = resolve(to);
  const stats = await stat(target).catch(() => undefined); // what keeps it from being read keeps it from being written
  if (stats === undefined || stats.isDirectory()) return target;
  throw new AppError('BAD_ARGUMENT', `Expected a folder, but ${target} is a file`, 'Name another place.');
}

/** Size and times of a regular file; undefined when there is none. */
export async function fileStats(path: string): Promise<FileStats | undefined> {
  try {
    const stats = await stat(path);
    return stats.isFile() ? stats : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
