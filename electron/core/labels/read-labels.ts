import { join } from 'node:path';
import type { LabelReport, LabelRequest } from '../../shared/api/labels.ts';
import { AppError } from '../../shared/errors.ts';
import { TASKS } from '../../shared/tasks.ts';
import type { Task } from '../../shared/model-package.ts';
import { shortJson } from '../../shared/shortened.ts';
import type { Size } from '../../shared/resized-size.ts';
import { scanFolder } from '../files/scan-folder.ts';
import type { Library } from '../store/library.ts';
import type { PresentImage } from '../store/tables/images.ts';
import { ClassMap } from './class-map.ts';
import { chooseRun } from './choose-run.ts';
import { finderClasses } from './finder-classes.ts';
import { leastScore, scoreNotice } from './least-score.ts';
import { openSource } from './open-source.ts';
import { formatOf } from './choose-format.ts';
import { toReadError } from './label-text.ts';
import { matchImages } from './match-images.ts';
import type { MatchedImages } from './match-images.ts';
import { LabelResolver } from './resolve-labels.ts';
import { Staging } from './staging.ts';
import type { Entry } from './staging-tables.ts';

/** Of what an import is asked in another thread. */
export interface LabelQuestion {
  request: LabelRequest;
  folder: LabelFolder;
  staging: string; // a folder of its own for what was read; see stagingFile
  progress: SharedArrayBuffer; // see ReadProgress
}

/** The images that labels may be about: those of a folder of the library, or below a part of it. */
export interface LabelFolder {
  path: string; // absolute, real
  id: number | undefined; // in the library; undefined for a folder that is not in it
  part: string; // the images' relative paths begin with it; '' for all
}

/** The database in the folder of an import. */
export const stagingFile = (folder: string): string => join(folder, 'labels.db');

/** A picture whose size has to be found out before its boxes can be placed. */
export interface UnsizedImage {
  imageId: number;
  relativePath: string;
  /** Whether any of its boxes is in pixels: without a size, a dry run can count only shares of the sides. */
  inPixels: boolean;
}

/** What was found in a file of labels before anybody asks what becomes of it. */
export interface ReadLabels {
  format: string;
  found: Task;
  matched: MatchedImages;
  present: number; // images of the folder
  unsized: UnsizedImage[];
  notices: string[];
}

const PER_COMMIT = 2000;

/** Tells another thread how much is done, and hears from it that nobody waits any more: done, total, cancelled. */
export class ReadProgress {
  readonly #numbers: Float64Array;

  constructor(buffer: SharedArrayBuffer) {
    this.#numbers = new Float64Array(buffer);
  }

  static buffer(): SharedArrayBuffer {
    return new SharedArrayBuffer(3 * Float64Array.BYTES_PER_ELEMENT);
  }

  /** Throws CANCELLED. */
  tell(done: number, total: number): void {
    this.#numbers[0] = done;
    this.#numbers[1] = total;
    if (this.#numbers[2] === 1)
      throw new AppError('CANCELLED', 'The labels were not read to the end; nothing has come in');
  }

  get told(): { done: number; total: number } {
    return { done: this.#numbers[0] ?? 0, total: this.#numbers[1] ?? 0 };
  }

  cancel(): void {
    this.#numbers[2] = 1;
  }
}

/**
 * Reads a file or folder of labels into a database of its own, and finds the images that it is about. Throws NOT_FOUND,
 * FILE_SYSTEM or BAD_ARGUMENT for what cannot be read, and CANCELLED.
 */
export async function readLabels(library: Library, question: LabelQuestion): Promise<ReadLabels> {
  const { request, folder } = question;
  const progress = new ReadProgress(question.progress);
  const unpacked = join(question.staging, 'unpacked');
  // What is unpacked is gone before anybody could look at it: the archive is named.
  const inArchive = (sentence: string) => sentence.replaceAll(unpacked, request.path);
  const named = await openSource(request.path, unpacked).catch((error: unknown) => {
    throw toReadError(error, request.path);
  });
  const staging = new Staging(stagingFile(question.staging));
  try {
    const { format, source, notice } = await formatOf(named, request.format);
    if (notice !== undefined) staging.notice(notice);
    for (const skipped of named.skipped ?? []) staging.skips.put(skipped);
    staging.begin();
    await format.read(source, staging, {
      purpose: request.purpose.kind,
      columns: request.columns ?? {},
      onProgress: (done, total) => progress.tell(done, total),
    });
    staging.finish();
    if (request.task !== undefined) staging.task(chosenTask(request.task, staging, request.path));
    const strays = staging.strays();
    if (strays !== undefined)
      staging.skips.put({ reason: 'noImage', count: strays.count, example: strays.origin });
    const images = new Map<number, PresentImage>();
    for await (const image of presentImages(library, folder)) images.set(image.id, image);
    const matched = matchImages(staging, images.values());
    const unsized = [...unsizedImages(staging, images)];
    staging.keepSkips();
    const { found } = staging;
    const notices = staging.notices.map(inArchive);
    return { format: format.name, found, matched, present: images.size, unsized, notices };
  } catch (error) {
    const told = toReadError(error, request.path); // of a file in the folder
    if (!(told instanceof AppError) || !told.message.includes(unpacked)) throw told;
    throw new AppError(told.code, inArchive(told.message), told.hint, { cause: told });
  } finally {
    staging.close();
  }
}

/** What a person says that masks are. Throws BAD_ARGUMENT where there are none to be areas. */
function chosenTask(task: Task, staging: Staging, path: string): Task {
  if (TASKS[task].foundIn !== 'masks' || staging.hasMasks()) return task;
  throw new AppError(
    'BAD_ARGUMENT',
    `Expected masks in ${path}, which a segmentation consists of, but it has none`,
    'Leave the task out.',
  );
}

/** The images of a folder, by its last scan, or as they lie there now where it was never scanned. */
async function* presentImages(
  library: Library,
  { path, id, part }: LabelFolder,
): AsyncGenerator<PresentImage> {
  if (id !== undefined) {
    for (const image of library.images.present(id)) if (image.relativePath.startsWith(part)) yield image;
    return;
  }
  let number = 0;
  const unread = (): void => undefined;
  for await (const files of scanFolder(path, unread, unread))
    for (const { relativePath } of files) yield { id: ++number, relativePath, width: null, height: null };
}

/** Images whose boxes cannot be placed without looking at the picture. */
function* unsizedImages(
  staging: Staging,
  images: ReadonlyMap<number, PresentImage>,
): Generator<UnsizedImage> {
  for (const { imageId, width, key, failure } of staging.all()) {
    const image = images.get(imageId ?? 0);
    if (image === undefined || image.width !== null || width !== null || failure !== null) continue;
    const boxes = staging.boxesOf(key);
    if (boxes.length === 0) continue;
    const inPixels = boxes.some(({ isShare }) => isShare !== 1);
    yield { imageId: image.id, relativePath: image.relativePath, inPixels };
  }
}

/**
 * What the labels become that readLabels has read, as a report; `keep`: the images' parts too, for whoever saves them. Throws
 * BAD_ARGUMENT where reviews have no run that they can stand beside, or where nothing fits.
 */
export function resolveLabels(
  library: Library,
  { request, folder, staging: place, progress }: LabelQuestion,
  read: ReadLabels,
  keep: boolean,
): LabelReport {
  const told = new ReadProgress(progress);
  const staging = new Staging(stagingFile(place));
  try {
    staging.takeSkips(read.found);
    const { purpose } = request;
    const listed = staging.classes();
    const names = listed.map(({ name }) => name);
    const beside =
      purpose.kind === 'reviews' ? chooseRun(library, folder, purpose.runId, names, read.found) : undefined;
    const classes = new ClassMap(listed, request.classes, beside?.labels);
    const minScore = leastScore(request, staging);
    const task = beside?.task ?? read.found;
    const resolver = new LabelResolver({
      staging,
      classes,
      finderClasses: purpose.kind === 'run' ? finderClasses(staging) : undefined,
      purpose: purpose.kind,
      task,
      minScore,
      isTrial: !keep,
    });
    const sizes = knownSizes(library, folder);
    const reviews = beside && givenReviews(library, beside.runId);
    let [kept, done] = [0, 0];
    staging.begin();
    for (const entry of allWithImages(staging)) {
      const made = resolver.resolve(entry, sizes.get(entry.imageId));
      if (made !== undefined && keep) staging.putOutcome(entry.imageId, made);
      if (made?.review !== undefined && purpose.kind === 'reviews' && reviews !== undefined)
        kept += Number(isKept(reviews.get(entry.imageId), made.review, purpose));
      if (++done % PER_COMMIT === 0) told.tell(done, read.matched.images);
    }
    staging.putClasses(classes.labels);
    staging.commit();
    const report: LabelReport = {
      format: read.format,
      task,
      entries: staging.entries,
      matches: read.matched.matches,
      unmatched: read.matched.unmatched,
      uncovered: read.present - read.matched.images,
      classes: classes.described(),
      ...resolver.counts,
      skipped: staging.skips.all(),
      minScore,
      notices: [...read.notices, ...scoreNotice(request, staging), ...unknownNotice(classes)],
      reviews: beside && { runId: beside.runId, model: beside.model, kept },
    };
    return report;
  } finally {
    staging.close();
  }
}

const SHOWN_NAMES = 5;

/** A class that is written otherwise than in the file would change nothing, and nobody would notice. */
function unknownNotice({ unknown }: ClassMap): string[] {
  if (unknown.length === 0) return [];
  const names = unknown.slice(0, SHOWN_NAMES).map((name) => shortJson(name));
  const more = unknown.length > names.length ? ' and others' : '';
  return [
    `The file has no class ${names.join(', ')}${more}, of which something was said; names must be as the file writes them.`,
  ];
}

type FoundEntry = Entry & { imageId: number };

function* allWithImages(staging: Staging): Generator<FoundEntry> {
  for (const entry of staging.all()) if (entry.imageId !== null) yield entry as FoundEntry;
}

function knownSizes(library: Library, { id, part }: LabelFolder): Map<number, Size> {
  const sizes = new Map<number, Size>();
  if (id === undefined) return sizes;
  for (const { id: imageId, relativePath, width, height } of library.images.present(id)) {
    if (width === null || height === null || !relativePath.startsWith(part)) continue;
    sizes.set(imageId, { width, height });
  }
  return sizes;
}

interface Given {
  label: string;
  boxes: string | null;
  source: string | null;
}

function givenReviews(library: Library, runId: number): Map<number, Given> {
  return new Map([...library.reviews.given(runId)].map((review) => [review.imageId, review] as const));
}

/** Whether what somebody else has said of an image stays; see ReviewHistory.takeIn. */
function isKept(
  given: Given | undefined,
  { label, boxes }: { label: string; boxes?: unknown },
  { by, replace = false }: { by: string; replace?: boolean | undefined },
): boolean {
  if (given === undefined || given.source === by || replace) return false;
  return given.label !== label || given.boxes !== (boxes === undefined ? null : JSON.stringify(boxes));
}
