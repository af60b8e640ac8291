import { join } from 'node:path';
import type { EngineApi, EngineDial, ImageOutcome } from '../../shared/engine-api.ts';
import { AppError } from '../../shared/errors.ts';
import type { BatchSize } from '../models/batch-size.ts';
import { windowsOf } from '../models/receipt-counts.ts';
import { folderExists } from './run-folders.ts';
import type { Library } from '../store/library.ts';
import type { PendingImage } from '../store/tables/results.ts';

export interface PredictOptions {
  library: Library;
  engine: EngineApi;
  runId: number;
  dial: EngineDial;
  depth: number; // blocks of the model
  batchSize: BatchSize;
  batchesUnderWay: number; // at a time
  signal: AbortSignal;
  /** Hears of every batch after it was saved. */
  onSaved: (images: readonly PendingImage[], outcomes: readonly ImageOutcome[]) => void;
}

/** A folder of a run went away under it. Its files have not failed: they stay pending until it is back. */
export class FolderGone extends Error {
  constructor(folder: string) {
    super(`The folder ${folder} is not there any more`);
  }
}

/**
 * Predicts what is pending in a run, batch by batch, each saved in one transaction. When `signal` is aborted or
 * something fails, the batches under way are still finished and saved. Throws FolderGone when a folder is not there.
 */
export async function predictPending(options: PredictOptions): Promise<void> {
  await workAhead(batches(options), options, (images) => predictBatch(images, options));
}

/** The pending images in order of their ids, as many at a time as a batch has then. */
function* batches({ library, runId, batchSize }: PredictOptions): Generator<PendingImage[]> {
  let lastTaken = 0;
  for (;;) {
    const images = library.results.pending(runId, lastTaken, batchSize.next);
    const last = images.at(-1);
    if (last === undefined) return;
    lastTaken = last.imageId;
    yield images;
  }
}

/**
 * Works on items, so many at a time; each is asked for when its work begins. When `signal` is aborted or something fails,
 * nothing more is begun, and what is under way is still finished.
 */
export async function workAhead<Item>(
  items: Iterable<Item>,
  { batchesUnderWay, signal }: { batchesUnderWay: number; signal: AbortSignal },
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const underWay = new Set<Promise<void>>(); // and those that failed
  try {
    for (const item of items) {
      if (signal.aborted) break;
      const one: Promise<void> = work(item).then(() => void underWay.delete(one));
      one.catch(() => undefined); // heard of below
      underWay.add(one);
      if (underWay.size >= batchesUnderWay) await Promise.race(underWay);
    }
  } finally {
    await Promise.allSettled(underWay);
  }
  await Promise.all(underWay);
}

async function predictBatch(images: readonly PendingImage[], options: PredictOptions): Promise<void> {
  const { library, engine, runId, dial, depth, batchSize } = options;
  const paths = images.map(({ folder, relativePath }) => join(folder, relativePath));
  const outcomes = await engine.predict(paths, dial);
  await checkFolders(images, outcomes);
  const [first] = outcomes;
  if (first?.status === 'ok' && outcomes.every(({ status }) => status === 'ok'))
    batchSize.note(outcomes.length, first.receipt.milliseconds);
  library.transaction(() => {
    for (const [index, image] of images.entries()) {
      const outcome = outcomes[index];
      if (outcome === undefined)
        throw new AppError('ENGINE', `The engine gave no answer for ${paths[index] ?? ''}`);
      const windows = outcome.status === 'ok' ? windowsOf(outcome.receipt, depth) : 1;
      library.results.save(runId, image.imageId, outcome, windows);
      library.images.setFacts(image.imageId, outcome.facts);
    }
  });
  options.onSaved(images, outcomes);
}

/** When a whole folder has gone, its files have not failed: the batch stays pending and the run stops. */
export async function checkFolders(
  images: readonly PendingImage[],
  outcomes: readonly ImageOutcome[],
): Promise<void> {
  const suspects = new Set(
    images.filter((_, index) => outcomes[index]?.facts.version === undefined).map(({ folder }) => folder),
  );
  for (const folder of suspects) {
    if (!(await folderExists(folder))) throw new FolderGone(folder);
  }
}
