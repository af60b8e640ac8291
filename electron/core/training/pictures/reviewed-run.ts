import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import { runRows } from '../../results/run-rows.ts';
import type { Library } from '../../store/library.ts';
import type { RunRow } from '../../store/tables/runs.ts';
import { byPath } from './picture-set.ts';
import type { LabelledFile, PictureSet } from './picture-set.ts';
import { isOfTrainable } from '../../../shared/tasks.ts';

/**
 * The images of a run that a person has reviewed: each has the label that was given to it or, where the model's was
 * accepted, that one. Throws BAD_ARGUMENT for a run whose images have boxes or areas in place of one label.
 */
export async function reviewedPictures(library: Library, run: RunRow): Promise<PictureSet> {
  const { manifest } = library.models.get(run.spec.modelSha256);
  if (!isOfTrainable(manifest)) {
    throw new AppError(
      'BAD_ARGUMENT',
      `Training needs one label for every image, but run ${run.id} is of a ${manifest.task} model`,
      'Name a run of a classifier, or a folder of class folders.',
    );
  }
  const files: LabelledFile[] = [];
  const unreadable: PictureSet['unreadable'] = [];
  for (const { folder, rows } of runRows(library, run, { status: 'verified' })) {
    for (const { relativePath, humanLabel = '' } of rows) {
      if (humanLabel === '') continue;
      const path = join(folder, relativePath);
      const version = await versionOf(path);
      if (version === undefined)
        unreadable.push({ relativePath: path, error: 'the file is not there any more' });
      else files.push({ path, relativePath: path, className: humanLabel, ...version });
    }
  }
  if (files.length === 0) {
    throw new AppError(
      'BAD_ARGUMENT',
      `Training needs reviewed images, but run ${run.id} has none`,
      'Verify or correct labels in its results first.',
    );
  }
  return { source: `run ${run.id}`, files: files.sort(byPath), empty: [], unreadable };
}

async function versionOf(path: string): Promise<{ fileSize: number; modifiedMs: number } | undefined> {
  try {
    const { size, mtimeMs } = await stat(path);
    return { fileSize: size, modifiedMs: Math.floor(mtimeMs) };
  } catch {
    return undefined; // moved, deleted or on a drive that is not connected
  }
}
