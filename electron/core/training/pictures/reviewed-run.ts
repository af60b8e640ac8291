import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import { runRows } from '../../results/run-rows.ts';
import type { Library } from '../../store/library.ts';
import type { RunRow } from '../../store/tables/runs.ts';
import { byPath } from './picture-set.ts';
import type { LabelledFile, PictureSet } from './picture-set.ts';
import { isOfTrainable, TASKS } from '../../../shared/tasks.ts';
import type { Task } from '../../../shared/model-package.ts';
import { classLabels } from '../../results/resolve-filter.ts';
import { cropOf } from '../../runs/box-labels.ts';
import { DEFAULT_MARGIN } from '../../runs/find-spec.ts';
import type { ResultRow } from '../../store/tables/results.ts';

/**
 * The images of a run that a person has reviewed: each has the label that was given to it or, where the model's was
 * accepted, that one. Of a run with boxes their crops, by the label of each box: those that a person left, and of boxes that
 * were read from another tool's file all. Throws BAD_ARGUMENT for a run without any.
 */
export async function reviewedPictures(library: Library, run: RunRow): Promise<PictureSet> {
  const { manifest } = library.models.get(run.spec.modelSha256);
  const hasBoxes = TASKS[manifest.task].hasScores;
  if (!hasBoxes && !isOfTrainable(manifest)) throw needsOneLabel(run, manifest.task);
  const files: LabelledFile[] = [];
  const unreadable: PictureSet['unreadable'] = [];
  const isGiven = hasBoxes && run.spec.imported !== undefined;
  for (const { folder, rows } of runRows(library, run, isGiven ? {} : { status: 'verified' })) {
    const boxes = hasBoxes ? labelledBoxes(library, run, rows) : undefined;
    for (const row of rows) {
      const learned = boxes?.get(row.imageId) ?? (boxes === undefined ? wholePicture(row) : []);
      if (learned.length === 0) continue;
      const path = join(folder, row.relativePath);
      const version = await versionOf(path);
      if (version === undefined)
        unreadable.push({ relativePath: path, error: 'the file is not there any more' });
      else
        for (const [index, { className, box }] of learned.entries()) {
          const relativePath = box === undefined ? path : `${path} #${index + 1}`;
          files.push({ path, relativePath, className, box, ...version });
        }
    }
  }
  if (files.length > 0) return { source: `run ${run.id}`, files: files.sort(byPath), empty: [], unreadable };
  if (hasBoxes && (run.spec.find === undefined || isGiven)) throw needsOneLabel(run, manifest.task);
  throw new AppError(
    'BAD_ARGUMENT',
    `Training needs reviewed images, but run ${run.id} has none`,
    hasBoxes
      ? 'Verify or correct boxes in its results first.'
      : 'Verify or correct labels in its results first.',
  );
}

function needsOneLabel({ id }: RunRow, task: Task): AppError {
  return new AppError(
    'BAD_ARGUMENT',
    `Training needs one label for every image, but run ${id} is of a ${task} model`,
    TASKS[task].hasScores
      ? 'Verify or correct boxes in its results first: each is then learned from by its label.'
      : 'Name a run of a classifier, or a folder of class folders.',
  );
}

type Learned = Pick<LabelledFile, 'className' | 'box'>;

function wholePicture({ humanLabel = '' }: ResultRow): Learned[] {
  return humanLabel === '' ? [] : [{ className: humanLabel, box: undefined }];
}

/** What is cut out for each box of some images, by image: as a classifier sees it in a run that finds first. */
function labelledBoxes(library: Library, run: RunRow, rows: readonly ResultRow[]): Map<number, Learned[]> {
  const names = classLabels(library, run);
  const margin = run.spec.find?.margin ?? DEFAULT_MARGIN;
  const ids = rows.map(({ imageId }) => imageId);
  const found = run.spec.imported === undefined ? undefined : library.found.detections(run.id, ids);
  return new Map(
    rows.map((row) => {
      const given = found
        ?.get(row.imageId)
        ?.map(({ classIndex, box }) => ({ ...box, label: names[classIndex] ?? '' }));
      const boxes = row.humanBoxes ?? given ?? [];
      const size = { width: row.width, height: row.height };
      return [row.imageId, boxes.map((box) => ({ className: box.label, box: cropOf(box, margin, size) }))];
    }),
  );
}

/** Of a file; undefined where it is not there any more. */
export async function versionOf(path: string): Promise<{ fileSize: number; modifiedMs: number } | undefined> {
  try {
    const { size, mtimeMs } = await stat(path);
    return { fileSize: size, modifiedMs: Math.floor(mtimeMs) };
  } catch {
    return undefined; // moved, deleted or on a drive that is not connected
  }
}
