import { join } from 'node:path';
import type { Box } from '../../../shared/engine-api.ts';
import { AppError } from '../../../shared/errors.ts';
import { decodeRuns, runsBox } from '../../../shared/mask.ts';
import type { Size } from '../../../shared/resized-size.ts';
import { TASKS } from '../../../shared/tasks.ts';
import type { DenseTask } from '../../../shared/tasks.ts';
import { foundImages, seenSize } from '../../export/found-images.ts';
import type { FoundImage, FoundObject } from '../../export/found-images.ts';
import { toExported } from '../../export/export-run.ts';
import { OutputNames } from '../../export/output-names.ts';
import { foldClass } from '../../models/class-names.ts';
import { classLabels } from '../../results/resolve-filter.ts';
import type { Library } from '../../store/library.ts';
import type { RunRow } from '../../store/tables/runs.ts';
import { classRegions } from './class-regions.ts';
import { byPath, refuseAlike } from './picture-set.ts';
import type { PictureSet } from './picture-set.ts';
import { versionOf } from './reviewed-run.ts';

/** Of segmentation that learns from objects: the class of what no object covers. */
export const BACKGROUND = 'background';

/** What is marked in a picture: an object or, for segmentation, all pixels of a class. */
export interface MarkedObject {
  className: string;
  box: Box; // in pixels of the upright picture, inside of it
  counts?: string; // of its mask as COCO's compressed run lengths; always of segmentation
}

/** A picture to learn what lies where from; without objects it is background. */
export interface MarkedFile {
  path: string; // absolute
  relativePath: string; // as it is shown: the path
  fileSize: number; // bytes
  modifiedMs: number;
  /** Of the upright picture when it was marked; undefined where nobody has read one in which nothing is marked. */
  size: Size | undefined;
  objects: MarkedObject[];
}

/** Whether pictures are learned from by what is marked in them. */
export function isMarkedSet(set: PictureSet | MarkedSet): set is MarkedSet {
  return 'dropped' in set;
}

/**
 * Names of the classes that are marked, in order. Throws BAD_ARGUMENT for segmentation where there is a single one, or where two are the same but
 * for their case.
 */
export function markedClasses({ files, source, task }: MarkedSet): string[] {
  const names = [
    ...new Set(files.flatMap(({ objects }) => objects.map(({ className }) => className))),
  ].sort();
  refuseAlike(names);
  if (names.length > 1 || TASKS[task].hasScores) return names;
  throw new AppError(
    'BAD_ARGUMENT',
    `Training for segmentation needs at least two classes, but ${source} has one: ${names[0] ?? ''}`,
    'Mark what else there is to see, or import masks of objects: what they leave is background.',
  );
}

/** What of a run is not learned from as it stands: the path of its picture for each, in their order. */
export interface Dropped {
  noArea: string[]; // boxes without an area
  outside: string[]; // boxes beside the picture
  repeated: string[]; // objects that the same picture has once more
  noMask: string[]; // of segmentation: objects without a mask, whose box is neither object nor background
  unusedMask: string[]; // of detection: masks that are passed over, since other objects have none
  unmarked: string[]; // of segmentation: pictures without a pixel that is marked
  relabelled: string[]; // pictures whose label by a person is none of what is marked in them
}

/** The pictures that a detector or a segmenter learns from, in order of their paths. */
export interface MarkedSet {
  task: DenseTask; // that it is for
  source: string; // as Training says it
  files: MarkedFile[];
  unreadable: { relativePath: string; error: string }[];
  dropped: Dropped;
}

/**
 * The images of a run with what is marked in them: of one that was read from another tool's file all, of a model's those that
 * a person has verified. What a person left in an image stands in the place of what the model found in it. Segmentation learns
 * from the areas of a run of segmentation, or from masks of objects (see classRegions). Rejects with BAD_ARGUMENT for a run
 * that has no such thing, or whose files are gone.
 */
export async function markedPictures(library: Library, run: RunRow, task: DenseTask): Promise<MarkedSet> {
  const { manifest } = library.models.get(run.spec.modelSha256);
  const { foundIn } = TASKS[manifest.task];
  const [hasAreas, wantsAreas] = [foundIn === 'masks', TASKS[task].foundIn === 'masks'];
  if (foundIn === undefined) throw needsMarks(run, task, 'one label for every image');
  if (hasAreas && !wantsAreas) throw needsMarks(run, task, 'areas of classes');
  const isGiven = run.spec.imported !== undefined;
  const exported = toExported(library, run);
  const reader = new MarkReader({
    wantsAreas,
    hasAreas,
    background: backgroundName(classLabels(library, run)),
  });
  const files: MarkedFile[] = [];
  const unreadable: MarkedSet['unreadable'] = [];
  const filter = isGiven ? {} : ({ status: 'verified' } as const);
  let seen = 0;
  for (const images of foundImages(library, exported, filter, new OutputNames(run.spec.folders)))
    for (const image of images) {
      if (image.row.status !== 'ok' && image.row.humanBoxes === undefined) continue;
      seen++;
      const path = join(image.folder, image.row.relativePath);
      const marks = reader.read(image, path);
      if (marks === undefined) continue;
      const version = await versionOf(path);
      if (version === undefined)
        unreadable.push({ relativePath: path, error: 'the file is not there any more' });
      else files.push({ path, relativePath: path, ...version, ...marks });
    }
  if (seen === 0) throw nothingReviewed(run, isGiven);
  if (reader.objects === 0) throw nothingMarked(run, isGiven);
  if (wantsAreas && reader.masks === 0) throw needsMarks(run, task, 'boxes without masks');
  const [gone] = unreadable;
  if (files.length === 0 && gone !== undefined) throw allGone(run, unreadable.length, gone.relativePath);
  if (!files.some(({ objects }) => objects.length > 0)) throw nothingMarked(run, isGiven);
  if (!wantsAreas) dropSomeMasks(files, reader.dropped);
  return { task, source: `run ${run.id}`, files: files.sort(byPath), unreadable, dropped: reader.dropped };
}

/** The class of that name, where there is one in whatever case. */
function backgroundName(labels: readonly string[]): string {
  return labels.find((name) => foldClass(name) === BACKGROUND) ?? BACKGROUND;
}

interface ReadMarks {
  wantsAreas: boolean; // whether areas of classes are learned, not objects
  hasAreas: boolean; // whether the run has them
  background: string; // name of the class
}

/** Makes of what is in images what is learned from, and keeps what is not. */
class MarkReader {
  readonly dropped: Dropped = {
    noArea: [],
    outside: [],
    repeated: [],
    noMask: [],
    unusedMask: [],
    unmarked: [],
    relabelled: [],
  };
  objects = 0;
  masks = 0;
  readonly #of: ReadMarks;

  constructor(of: ReadMarks) {
    this.#of = of;
  }

  /** Undefined for an image that is not learned from. */
  read(image: FoundImage, path: string): Pick<MarkedFile, 'size' | 'objects'> | undefined {
    const { objects, row } = image;
    const size = seenSize(image);
    this.objects += objects.length;
    this.masks += objects.filter(({ mask }) => mask !== undefined).length;
    const { humanLabel = '' } = row;
    if (humanLabel !== '' && !objects.some(({ label }) => label === humanLabel)) {
      this.dropped.relabelled.push(path);
      return undefined;
    }
    if (size === undefined) return this.#unseen(objects, path);
    const placed = this.#distinct(
      objects.flatMap((object) => this.#place(object, size, path)),
      path,
    );
    if (!this.#of.wantsAreas) return { size, objects: placed };
    const regions = this.#of.hasAreas ? placed : this.#regions(placed, size, path);
    if (regions.length > 0) return { size, objects: regions };
    this.dropped.unmarked.push(path);
    return undefined;
  }

  /** A picture of unknown size, in which nothing can be said to lie anywhere. */
  #unseen(objects: readonly FoundObject[], path: string) {
    if (objects.length === 0 && !this.#of.wantsAreas) return { size: undefined, objects: [] };
    this.dropped.unmarked.push(path);
    return undefined;
  }

  #place({ label, box, mask }: FoundObject, { width, height }: Size, path: string): MarkedObject[] {
    if (!(box.width > 0 && box.height > 0)) {
      this.dropped.noArea.push(path);
      return [];
    }
    const [x, y] = [Math.max(0, box.x), Math.max(0, box.y)];
    const [right, bottom] = [Math.min(width, box.x + box.width), Math.min(height, box.y + box.height)];
    if (right <= x || bottom <= y) {
      this.dropped.outside.push(path);
      return [];
    }
    const cut = { x, y, width: right - x, height: bottom - y };
    return [{ className: label, box: cut, ...(mask && { counts: mask.counts }) }];
  }

  /** Each of them once. */
  #distinct(objects: readonly MarkedObject[], path: string): MarkedObject[] {
    const seen = new Set<string>();
    return objects.filter((object) => {
      const key = JSON.stringify(object);
      if (!seen.has(key)) return seen.add(key);
      this.dropped.repeated.push(path);
      return false;
    });
  }

  #regions(objects: readonly MarkedObject[], size: Size, path: string): MarkedObject[] {
    for (const { counts } of objects) if (counts === undefined) this.dropped.noMask.push(path);
    const masked = objects.map(({ className, box, counts }) => ({ className, box, counts }));
    return classRegions(masked, size, this.#of.background).flatMap(({ className, counts }) => {
      const box = runsBox(decodeRuns(counts), size.height);
      return box === undefined ? [] : [{ className, box, counts }];
    });
  }
}

/** A detector learns masks only where every object has one. */
function dropSomeMasks(files: readonly MarkedFile[], dropped: Dropped): void {
  const lacks = files.some(({ objects }) => objects.some(({ counts }) => counts === undefined));
  if (!lacks) return;
  for (const { relativePath, objects } of files)
    for (const object of objects) {
      if (object.counts === undefined) continue;
      delete object.counts;
      dropped.unusedMask.push(relativePath);
    }
}

function needsMarks({ id }: RunRow, task: DenseTask, came: string): AppError {
  const wantsAreas = TASKS[task].foundIn === 'masks';
  const hint = wantsAreas
    ? 'Name a run with masks, import masks or class maps as a run (winnow labels import), or train a detector.'
    : 'Name a run with boxes, or import boxes as a run (winnow labels import).';
  const message = `Training for ${task} needs ${wantsAreas ? 'masks' : 'boxes'}, but run ${id} has ${came}`;
  return new AppError('BAD_ARGUMENT', message, hint);
}

function nothingReviewed({ id }: RunRow, isGiven: boolean): AppError {
  return isGiven
    ? new AppError(
        'BAD_ARGUMENT',
        `Training needs marked images, but run ${id} has none`,
        'Import labels with boxes or masks.',
      )
    : new AppError(
        'BAD_ARGUMENT',
        `Training needs reviewed images, but run ${id} has none`,
        'Verify or correct what was found in its results first.',
      );
}

function nothingMarked({ id }: RunRow, isGiven: boolean): AppError {
  return new AppError(
    'BAD_ARGUMENT',
    isGiven
      ? `Training needs marked objects, but run ${id} has none`
      : `Training needs marked objects, but the reviewed images of run ${id} have none`,
    isGiven ? 'Import labels with boxes or masks.' : 'Verify or draw objects in its results first.',
  );
}

function allGone({ id }: RunRow, images: number, path: string): AppError {
  return new AppError(
    'BAD_ARGUMENT',
    `Training needs the files of run ${id}, but ${images === 1 ? 'its one image is' : `none of its ${images} images is`} there any more, such as ${path}`,
    'Is their drive connected? Have they been moved? Then scan their folder again.',
  );
}
