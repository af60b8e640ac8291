import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { AppService } from '../../electron/core/app-service.ts';
import { readManifest } from '../../electron/core/packages/read-package.ts';
import { resultSortSchema } from '../../electron/shared/api/results.ts';
import type { ResultFilter } from '../../electron/shared/api/results.ts';
import type { Manifest } from '../../electron/shared/model-package.ts';
import { makeLargeLibrary } from '../../test/electron/support/large-library.ts';
import { root } from '../setup.mjs';
import { libraryApp } from './library-app.ts';
import { median, printTable, timed } from './tables.ts';

const ROUNDS = 7;
const SHOWN = 200; // images that a grid asks for at once

const filters: Record<string, ResultFilter> = {
  'no filter': {},
  'confidence of at least 0.5': { minConfidence: 0.5 },
  'one label': { labels: ['class 7'] },
  'text in the path': { text: 'img_01' },
  'text beyond ASCII': { text: 'Ä' },
  corrected: { status: 'corrected' },
};
const DIFFERENT = 'labels that differ from the other run';

/** What the window asks of a library with a run on very many images, a third of them reviewed; medians, warm. */
export async function benchLibrary(work: string, count: number): Promise<void> {
  const libraryPath = path.join(work, 'library.db');
  const { runId, otherRunId, imageIds } = await makeLargeLibrary(libraryPath, path.join(work, 'large'), {
    images: count,
    manifest: await manifestOfThousand(),
    shuffled: true,
    twice: true,
  });
  const app = libraryApp(libraryPath, work);
  const middle = async (work: () => Promise<unknown>) => {
    const rounds: number[] = [];
    for (let round = 0; round < ROUNDS; round++) rounds.push(await timed(work));
    return median(rounds);
  };
  const times = async (work: () => Promise<unknown>) => (await middle(work)).toFixed(0);
  const sorts = resultSortSchema.options;
  // What a person waits for who opens a run at once: nothing of it is in memory then.
  const cold: string[][] = [];
  const first = async (name: string, ask: () => Promise<unknown>) => {
    const milliseconds = await timed(ask);
    cold.push([name, milliseconds.toFixed(0)]);
    return milliseconds;
  };
  const opened = await first('list by path', () => app.findImages({ runId, filter: {}, sort: 'path' }));
  await first('facets', () => app.resultFacets({ runId, filter: {} }));
  const shown = await first('the run', () => app.showRun({ runId }));
  let changed = 0;
  for (const sort of sorts.filter((sort) => sort !== 'path')) {
    const ask = () => app.findImages({ runId, filter: {}, sort, comparedWith: otherRunId });
    changed = Math.max(changed, await first(`list by ${sort}`, ask));
  }
  printTable([`${count} images, for the first time`, 'ms'], cold);
  const third = imageIds.filter((_, index) => index % 3 === 0);
  const bulk: string[][] = [];
  const once = async (name: string, work: () => Promise<unknown>) =>
    bulk.push([name, (await timed(work)).toFixed(0)]);
  await once('accept all', () => app.review({ runId, imageIds, verdict: { kind: 'accept' } }));
  await once('undo', () => app.undoReview({}));
  await once('relabel a third', () =>
    app.review({ runId, imageIds: third, verdict: { kind: 'label', label: 'class 7' } }),
  );
  const rows: string[][] = [];
  let [slowestList, slowestFacets] = [0, 0];
  const all = { ...filters, [DIFFERENT]: { differsFrom: { runId: otherRunId } } };
  for (const [name, filter] of Object.entries(all)) {
    const cells = [name];
    for (const sort of sorts) {
      const list = await middle(() => app.findImages({ runId, filter, sort, comparedWith: otherRunId }));
      slowestList = Math.max(slowestList, list);
      cells.push(list.toFixed(0));
    }
    const facets = await middle(() => app.resultFacets({ runId, filter }));
    slowestFacets = Math.max(slowestFacets, facets);
    rows.push([...cells, facets.toFixed(0)]);
  }
  printTable([`${count} images, ms to list them by`, ...sorts, 'facets'], rows);
  const spread = imageIds.filter((_, index) => index % Math.ceil(count / SHOWN) === 0);
  bulk.push(
    [`${spread.length} items`, await times(() => app.resultItems({ runId, imageIds: spread }))],
    ['one image', await times(() => app.showImage({ runId, imageId: spread[0] ?? 1 }))],
    ['folders', await times(() => app.listFolders({}))],
    ['compare with itself', await times(() => app.compareRuns({ runId, otherRunId: runId }))],
    ['runs to compare with', await times(() => app.comparableRuns({ runId }))],
    ['one run', await times(() => app.showRun({ runId }))],
    ['class names', await times(() => app.classNames({ runId }))],
  );
  printTable([`${count} images on ${os.cpus()[0]?.model ?? 'this processor'}`, 'ms'], bulk);
  const waited = await longestWait(app, runId, otherRunId);
  printTable(
    [`${count} images: what is waited for`, 'ms', 'asked'],
    [
      ['the first list after the start', opened.toFixed(0), '300'],
      ['a list in any order under any filter, the slowest', slowestList.toFixed(0), '300'],
      ['facets under any filter, the slowest', slowestFacets.toFixed(0), '300'],
      ['the run', shown.toFixed(0), '300'],
      ['another order for the first time, the slowest', changed.toFixed(0), '1000'],
      ['a small question behind others, the longest', waited.toFixed(0), '200'],
    ],
  );
  await app.close();
  fs.rmSync(libraryPath);
}

/** Milliseconds that an image's details take at most while everything else of a large run is asked for. */
async function longestWait(app: AppService, runId: number, otherRunId: number): Promise<number> {
  const others = Promise.all([
    app.findImages({ runId, filter: { text: 'img_01' }, sort: 'disagreement', comparedWith: otherRunId }),
    app.resultFacets({ runId, filter: { minConfidence: 0.5 } }),
    app.showRun({ runId }),
    app.listFolders({}),
    app.compareRuns({ runId, otherRunId }),
    app.evaluateRun({ runId }).catch(() => undefined), // of a run without folders that are classes
  ]);
  let isOver = false;
  void others.then(() => (isOver = true));
  let longest = 0;
  const goesOn = () => !isOver;
  while (goesOn()) longest = Math.max(longest, await timed(() => app.showImage({ runId, imageId: 1 })));
  return longest;
}

/** The bundled model's, with as many classes as ImageNet has. */
async function manifestOfThousand(): Promise<Manifest> {
  const manifest = await readManifest(path.join(root, 'resources/models/everyday10.safetensors'));
  const labels = Array.from({ length: 1000 }, (_, index) => ({ name: `class ${index}` }));
  return { ...manifest, depth: 24, classes: labels.length, labels };
}
