import { join } from 'node:path';
import type {
  Box,
  EngineApi,
  EngineDial,
  ImageOutcome,
  LabelledDetection,
  WantedPicture,
} from '../../shared/engine-api.ts';
import { AppError } from '../../shared/errors.ts';
import type { FindSpec } from '../../shared/run.ts';
import type { BatchSize } from '../models/batch-size.ts';
import type { Library } from '../store/library.ts';
import type { PlacedRow } from '../store/lists/result-queries.ts';
import type { StoredDetection, StoredMask } from '../store/tables/found.ts';
import type { LabelledOutcome } from '../store/tables/box-labels.ts';
import type { PendingImage } from '../store/tables/results.ts';
import { bestFirst, cropOf, imageLabels, joinScores } from './box-labels.ts';
import type { FoundClasses } from './find-spec.ts';
import { checkFolders, workAhead } from './predict-pending.ts';

/** So many of the engine's batches are asked for in one call: the last of them is hardly ever full. */
const BATCHES_PER_CALL = 4;
/** Images whose boxes are looked up at once, and of which so many may come without a box to be labelled. */
const IMAGES_AT_ONCE = 200;

export interface LabelOptions {
  library: Library;
  engine: EngineApi;
  runId: number;
  finderId: number; // the run that has the boxes
  find: FindSpec;
  classes: FoundClasses;
  dial: EngineDial;
  batchSize: BatchSize;
  batchesUnderWay: number; // calls at a time
  signal: AbortSignal;
  /** Hears of every group of images after it was saved. */
  onSaved: (images: readonly LabelledImage[]) => void;
}

/** An image of the run with its boxes, before and after they are labelled. */
interface BoxedImage {
  pending: PendingImage;
  row: PlacedRow; // of the run that has the boxes
  boxes: StoredDetection[];
  masks: Map<number, StoredMask>; // by the numbers of the boxes
  wanted: StoredDetection[]; // of the boxes those that the classifier is asked about
  crops: Box[]; // of them
}

export interface LabelledImage {
  pending: PendingImage;
  outcome: LabelledOutcome;
  labelled: number; // boxes that the classifier was asked about
}

/**
 * Labels the boxes of the images that are pending in a run, a group of images at a time, each saved in one transaction. When
 * `signal` is aborted or something fails, the groups under way are still finished and saved. Throws FolderGone when a folder
 * is not there.
 */
export async function labelPending(options: LabelOptions): Promise<void> {
  await workAhead(groups(options), options, (images) => labelGroup(images, options));
}

/** The pending images in order of their ids, as many at a time as have boxes for some full batches. */
function* groups(options: LabelOptions): Generator<BoxedImage[]> {
  const { library, runId, batchSize } = options;
  let group: BoxedImage[] = [];
  let crops = 0;
  let lastTaken = 0;
  for (;;) {
    const pending = library.results.pending(runId, lastTaken, IMAGES_AT_ONCE);
    const last = pending.at(-1);
    if (last === undefined) break;
    lastTaken = last.imageId;
    for (const image of withBoxes(pending, options)) {
      group.push(image);
      crops += image.crops.length;
      if (crops < BATCHES_PER_CALL * batchSize.next && group.length < IMAGES_AT_ONCE) continue;
      yield group;
      group = [];
      crops = 0;
    }
  }
  if (group.length > 0) yield group;
}

/** Those of the images that the finder is done with. */
function withBoxes(
  pending: readonly PendingImage[],
  { library, finderId, find, classes }: LabelOptions,
): BoxedImage[] {
  const ids = pending.map(({ imageId }) => imageId);
  const rows = new Map(library.resultQueries.rows(finderId, ids).map((row) => [row.imageId, row]));
  const found = library.found.foundAs(finderId, ids, find.minScore);
  const masks = library.found.masks(finderId, ids);
  return pending.flatMap((image) => {
    const row = rows.get(image.imageId);
    if (row === undefined || row.status === 'pending') return [];
    const boxes = found.get(image.imageId) ?? [];
    const wanted = boxes.filter(({ classIndex }) => !classes.passed.has(classIndex));
    const size = { width: row.width, height: row.height };
    return {
      pending: image,
      row,
      boxes,
      masks: new Map((masks.get(image.imageId) ?? []).map((mask) => [mask.number, mask])),
      wanted,
      crops: wanted.map(({ box }) => cropOf(box, find.margin, size)),
    };
  });
}

async function labelGroup(images: readonly BoxedImage[], options: LabelOptions): Promise<void> {
  const { library, engine, runId, finderId, dial, batchSize } = options;
  const asked = images.filter(({ crops }) => crops.length > 0);
  const pictures = asked.map(({ pending, crops }): WantedPicture => ({
    path: join(pending.folder, pending.relativePath),
    crops,
  }));
  const cropsAtOnce = batchSize.next;
  const outcomes = pictures.length === 0 ? [] : await engine.predict(pictures, { ...dial, cropsAtOnce });
  await checkFolders(
    asked.map(({ pending }) => pending),
    outcomes,
  );
  noteTime(asked, outcomes, batchSize, cropsAtOnce);
  const answers = new Map(asked.map((image, index) => [image, outcomes[index]]));
  const labelled = images.map((image): LabelledImage => {
    const answer = answers.get(image);
    if (image.crops.length > 0 && answer === undefined)
      throw new AppError('ENGINE', `The engine gave no answer for ${image.pending.relativePath}`);
    const outcome = toOutcome(image, answer, options);
    return { pending: image.pending, outcome, labelled: image.crops.length };
  });
  library.transaction(() => {
    for (const { pending, outcome } of labelled)
      library.boxLabels.save(runId, finderId, pending.imageId, outcome);
  });
  options.onSaved(labelled);
}

/** Tells how long the engine took for a crop of batches that were full or nearly so. */
function noteTime(
  asked: readonly BoxedImage[],
  outcomes: readonly ImageOutcome[],
  batchSize: BatchSize,
  cropsAtOnce: number,
): void {
  const crops = asked.reduce((sum, image) => sum + image.crops.length, 0);
  let milliseconds = 0;
  for (const outcome of outcomes) {
    if (outcome.status === 'failed') return;
    milliseconds += outcome.receipt.milliseconds;
  }
  if (crops >= BATCHES_PER_CALL * cropsAtOnce) batchSize.note(cropsAtOnce, milliseconds / crops);
}

function toOutcome(
  image: BoxedImage,
  answer: ImageOutcome | undefined,
  { find, classes }: LabelOptions,
): LabelledOutcome {
  const { row, boxes, masks, wanted } = image;
  if (row.status === 'failed') {
    const problem = row.problem ?? { code: 'unreadable', details: row.error };
    return { status: 'failed', problem };
  }
  if (answer?.status === 'failed') {
    const { problem, facts } = answer;
    return { status: 'failed', problem, isUnread: facts.version === undefined };
  }
  const labels = new Map(wanted.map((box, index) => [box, answer?.crops?.[index]?.[0]]));
  const labelled = boxes.map((detection): LabelledDetection => {
    const { number, classIndex, score, box } = detection;
    const stored = masks.get(number);
    const mask = stored && { area: stored.area, counts: stored.counts };
    const best = labels.get(detection);
    const label =
      best === undefined
        ? { classIndex: classes.passed.get(classIndex) ?? 0, score: undefined }
        : { classIndex: best.classIndex, score: best.confidence };
    return joinScores({ found: { classIndex, score }, label }, { box, mask });
  });
  const detections = bestFirst(labelled);
  return {
    status: 'ok',
    warning: answer?.warning ?? (row.warning === undefined ? undefined : row.problem),
    top: imageLabels(detections, find.rule),
    detections,
    milliseconds: answer?.receipt.milliseconds ?? 0,
  };
}
