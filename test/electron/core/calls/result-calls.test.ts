import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { AppService } from '../../../../electron/core/app-service.ts';
import { modelCrop } from '../../../../electron/core/results/result-details.ts';
import type { ResultFilter, ResultSort } from '../../../../electron/shared/api/results.ts';
import type { Manifest } from '../../../../electron/shared/model-package.ts';
import { writeFiles } from '../../support/files.ts';
import { testApp } from '../../support/test-app.ts';
import { manifestWith, saveRun } from '../../support/saved-run.ts';
import type { Found, SavedRun } from '../../support/saved-run.ts';

const [CAT, DOG, CRANE, MACHINE] = [0, 1, 2, 3];
const LABELS = [
  { name: 'cat' },
  { name: 'dog' },
  { name: 'crane', synset: 'n1' },
  { name: 'crane', synset: 'n2' },
];

/** Files that differ in all that filters and sorts look at. */
const FILES: Record<string, Found> = {
  'Cat/b.jpg': { classes: [CAT, DOG], confidence: 0.9, blocksRun: 2, capturedAt: '2020-03-01T00:00:00' },
  'Cat/Ärger.jpg': { classes: [DOG, CAT], confidence: 0.4, blocksRun: 8, capturedAt: '2020-01-01T00:00:00' },
  'crane/a_1.jpg': { classes: [CRANE, MACHINE], confidence: 0.7, blocksRun: 5 },
  'crane/a%2.jpg': {
    classes: [MACHINE, CRANE],
    confidence: 1,
    blocksRun: 6,
    capturedAt: '2020-02-01T00:00:00',
  },
  'other/C.jpg': { classes: [DOG, CAT], confidence: 0.5, blocksRun: 1 },
  'broken.jpg': 'failed',
  'new.jpg': 'pending',
};

/** An app with a run on FILES, and what it finds as relative paths. */
async function appWithRun(t: TestContext, files = FILES) {
  const home = testApp(t);
  const manifest = await manifestWith(LABELS);
  const run = saveRun(home.libraryPath, home.folder, { name: 'animals', manifest }, files);
  const find = async (filter: ResultFilter, sort: ResultSort = 'path') =>
    pathsOf(home.app, run.runId, (await home.app.findImages({ runId: run.runId, filter, sort })).imageIds);
  return { ...home, ...run, manifest, find };
}

async function pathsOf(app: AppService, runId: number, imageIds: Iterable<number>): Promise<string[]> {
  const items = await app.resultItems({ runId, imageIds: [...imageIds] });
  return items.map(({ relativePath }) => relativePath);
}

function idOf({ ids }: Pick<SavedRun, 'ids'>, path: string): number {
  return ids[path] ?? assert.fail(`there is no ${path}`);
}

const notFound = (message: RegExp) => ({ name: 'AppError', code: 'NOT_FOUND', message });

suite('findImages', () => {
  test('gives every image of the run, in any order that is asked for', async (t) => {
    const { find } = await appWithRun(t);
    const rest = ['broken.jpg', 'new.jpg'];
    const [b, anger, a1, a2, c] = [
      'Cat/b.jpg',
      'Cat/Ärger.jpg',
      'crane/a_1.jpg',
      'crane/a%2.jpg',
      'other/C.jpg',
    ];
    assert.deepEqual(await find({}, 'path'), [b, anger, 'broken.jpg', a2, a1, 'new.jpg', c]);
    assert.deepEqual(await find({}, 'name'), [a2, a1, b, 'broken.jpg', c, 'new.jpg', anger]);
    assert.deepEqual(await find({}, 'captured'), [anger, a2, b, 'broken.jpg', a1, 'new.jpg', c]);
    assert.deepEqual(await find({}, 'mostConfident'), [a2, b, a1, c, anger, ...rest]);
    assert.deepEqual(await find({}, 'leastConfident'), [anger, c, a1, b, a2, ...rest]);
    assert.deepEqual(await find({}, 'hardest'), [anger, a2, a1, b, c, ...rest]);
    assert.deepEqual(await find({}, 'easiest'), [c, b, a1, a2, anger, ...rest]);
  });

  test('says how many images the run has at the same moment, whatever passes', async (t) => {
    const { app, runId } = await appWithRun(t);
    const { imageIds, total } = await app.findImages({ runId, filter: { text: 'crane' }, sort: 'path' });
    assert.deepEqual([imageIds.length, total], [2, 7]);
  });

  test('passes only what a filter lets through', async (t) => {
    const { find } = await appWithRun(t);
    assert.deepEqual(await find({ minConfidence: 0.7 }), ['Cat/b.jpg', 'crane/a%2.jpg', 'crane/a_1.jpg']);
    assert.deepEqual(await find({ maxConfidence: 0.5 }), ['Cat/Ärger.jpg', 'other/C.jpg']);
    assert.deepEqual(await find({ minConfidence: 0.5, maxConfidence: 0.7 }), [
      'crane/a_1.jpg',
      'other/C.jpg',
    ]);
    assert.deepEqual(await find({ status: 'failed' }), ['broken.jpg']);
    assert.deepEqual(await find({ status: 'pending' }), ['new.jpg']);
    assert.equal((await find({ status: 'ok' })).length, 5);
    assert.deepEqual(await find({ labels: ['cat', 'crane (n2)'] }), ['Cat/b.jpg', 'crane/a%2.jpg']);
    assert.deepEqual(await find({ labels: ['crane'] }), []); // no label is shown so
    assert.deepEqual(await find({ labels: [] }), []);
    assert.deepEqual(await find({ labels: ['dog'], minConfidence: 0.45 }), ['other/C.jpg']);
  });

  test('searches text in paths and labels, in any case, every character for itself', async (t) => {
    const { find } = await appWithRun(t);
    assert.deepEqual(await find({ text: 'A_1' }), ['crane/a_1.jpg']);
    assert.deepEqual(await find({ text: 'a%' }), ['crane/a%2.jpg']);
    assert.deepEqual(await find({ text: 'äRGER' }), ['Cat/Ärger.jpg']);
    assert.deepEqual(await find({ text: 'A\u0308rger' }), ['Cat/Ärger.jpg']); // an A and its dots
    assert.deepEqual(await find({ text: 'DOG' }), ['Cat/Ärger.jpg', 'other/C.jpg']);
    assert.deepEqual(await find({ text: '(n1)' }), ['crane/a_1.jpg']);
    assert.deepEqual(await find({ text: 'nothing' }), []);
    assert.equal((await find({ text: '' })).length, 7);
  });

  test("goes by the person's label where there is one", async (t) => {
    const { app, runId, ids, find } = await appWithRun(t);
    const review = (path: string, label: string) =>
      app.review({ runId, imageIds: [idOf({ ids }, path)], verdict: { kind: 'label', label } });
    await review('Cat/b.jpg', 'Füchsin');
    await review('broken.jpg', 'cat');
    await app.review({ runId, imageIds: [idOf({ ids }, 'other/C.jpg')], verdict: { kind: 'accept' } });
    assert.deepEqual(await find({ labels: ['cat'] }), ['broken.jpg']);
    assert.deepEqual(await find({ labels: ['Füchsin'] }), ['Cat/b.jpg']);
    assert.deepEqual(await find({ text: 'FÜCHS' }), ['Cat/b.jpg']);
    assert.deepEqual(await find({ status: 'verified' }), ['Cat/b.jpg', 'broken.jpg', 'other/C.jpg']);
    assert.deepEqual(await find({ status: 'corrected' }), ['Cat/b.jpg', 'broken.jpg']);
    assert.deepEqual(await find({ status: 'unverified' }), [
      'Cat/Ärger.jpg',
      'crane/a%2.jpg',
      'crane/a_1.jpg',
    ]);
  });

  test('finds the images of one folder, and those in the sub-folder of another class', async (t) => {
    const { app, find } = await appWithRun(t);
    const [folder] = await app.listFolders({});
    assert.equal((await find({ folderId: folder?.id ?? 0 })).length, 7);
    assert.deepEqual(await find({ folderId: 99 }), []);
    assert.deepEqual(await find({ wrong: {} }), ['Cat/Ärger.jpg']); // a crane of either kind is no mistake
    assert.deepEqual(await find({ wrong: { folder: 'Cat' } }), ['Cat/Ärger.jpg']);
    assert.deepEqual(await find({ wrong: { folder: 'crane' } }), []);
    assert.deepEqual(await find({ wrong: { folder: 'other' } }), []);
  });

  test('goes through several folders in the order of their paths, as exports do', async (t) => {
    const { app, folder } = testApp(t);
    const [one, other] = [join(folder, 'b'), join(folder, 'a')];
    writeFiles(folder, { 'b/1.jpg': 'x', 'a/2.jpg': 'x', 'a/10.jpg': 'x' });
    await app.addFolder({ path: one }); // the first in the library is not the first in order
    const { id: runId } = await app.run({ folders: [one, other] });
    const { imageIds } = await app.findImages({ runId, filter: {}, sort: 'path' });
    assert.deepEqual(await pathsOf(app, runId, imageIds), ['10.jpg', '2.jpg', '1.jpg']);
  });

  test('refuses what there is not', async (t) => {
    const { app, runId } = await appWithRun(t);
    await assert.rejects(
      app.findImages({ runId: 9, filter: {}, sort: 'path' }),
      notFound(/^There is no run 9 in the library$/),
    );
    const filter = { differsFrom: { runId: 9 } };
    await assert.rejects(
      app.findImages({ runId, filter, sort: 'path' }),
      notFound(/^There is no run 9 to compare/),
    );
    const refused = { code: 'BAD_ARGUMENT' };
    await assert.rejects(app.findImages({ runId, filter: {}, sort: 'size' as ResultSort }), {
      ...refused,
      message: /^A sort must be path, name, .*, but is "size"$/,
    });
    await assert.rejects(app.findImages({ runId, filter: { minConfidence: 1.1 }, sort: 'path' }), {
      ...refused,
      message: 'The smallest confidence must be from 0 to 1, but is 1.1',
    });
    await assert.rejects(app.resultFacets({ runId, filter: { text: 'x'.repeat(1001) } }), {
      ...refused,
      message: /^A text to search for must have at most 1000 characters/,
    });
    const imageIds = Array.from({ length: 1001 }, (_, index) => index + 1);
    await assert.rejects(app.resultItems({ runId, imageIds }), {
      ...refused,
      message: /^At most 1000 images/,
    });
  });
});

suite('resultItems', () => {
  test('come in the order asked for, without images of other runs', async (t) => {
    const { app, runId, ids, folder, manifest } = await appWithRun(t);
    const [failed, fine] = [idOf({ ids }, 'broken.jpg'), idOf({ ids }, 'crane/a%2.jpg')];
    const [first, second, ...others] = await app.resultItems({ runId, imageIds: [failed, 999, fine] });
    const common = { folderId: 1, verified: false, boxes: [] };
    assert.deepEqual(first, {
      imageId: failed,
      ...common,
      relativePath: 'broken.jpg',
      status: 'failed',
      label: undefined,
      modelLabel: undefined,
      confidence: undefined,
      work: undefined,
      error: 'the file ends before its picture does',
      problem: { code: 'cutShort', details: undefined },
      warning: undefined,
      width: undefined,
      height: undefined,
    });
    assert.deepEqual(second, {
      imageId: fine,
      ...common,
      relativePath: 'crane/a%2.jpg',
      status: 'ok',
      label: 'crane (n2)',
      modelLabel: 'crane (n2)',
      confidence: 1,
      error: undefined,
      warning: undefined,
      problem: undefined,
      work: 6 / (2 * manifest.depth),
      width: 48,
      height: 40,
    });
    assert.deepEqual(others, []);
    assert.equal((await app.showImage({ runId, imageId: fine })).path, join(folder, 'crane/a%2.jpg'));
  });
});

suite('resultFacets', () => {
  test('count each with the other filters on and its own off', async (t) => {
    const { app, runId, ids } = await appWithRun(t);
    const facets = (filter: ResultFilter) => app.resultFacets({ runId, filter });
    const all = await facets({});
    assert.deepEqual(all.labels, [
      { label: 'dog', count: 2 },
      { label: 'cat', count: 1 },
      { label: 'crane (n1)', count: 1 },
      { label: 'crane (n2)', count: 1 },
    ]);
    const bins = (counts: Record<number, number>) => Array.from({ length: 20 }, (_, bin) => counts[bin] ?? 0);
    assert.deepEqual(all.confidence, bins({ 8: 1, 10: 1, 14: 1, 18: 1, 19: 1 }));
    const none = { ok: 5, failed: 1, problem: 1, pending: 1, verified: 0, unverified: 5, corrected: 0 };
    const held = { labelled: 5, blank: 0 };
    assert.deepEqual([all.total, all.status], [7, { ...none, ...held }]);

    await app.review({
      runId,
      imageIds: [idOf({ ids }, 'Cat/b.jpg')],
      verdict: { kind: 'label', label: 'dog' },
    });
    const dogs = await facets({ labels: ['dog'], minConfidence: 0.5, status: 'ok' });
    assert.equal(dogs.total, 2); // other/C.jpg and the one that was a cat
    assert.deepEqual(
      dogs.labels.map(({ label, count }) => [label, count]),
      [
        ['dog', 2],
        ['crane (n1)', 1],
        ['crane (n2)', 1],
      ],
    );
    assert.deepEqual(dogs.confidence, bins({ 8: 1, 10: 1, 18: 1 }));
    const status = { ok: 2, failed: 0, problem: 0, pending: 0, verified: 1, unverified: 1, corrected: 1 };
    assert.deepEqual(dogs.status, { ...status, labelled: 2, blank: 0 });
    assert.equal((await facets({ text: 'cat/' })).total, 2);
  });
});

suite('showImage', () => {
  test('tells what the model saw and computed', async (t) => {
    const { app, runId, ids, manifest, folder } = await appWithRun(t);
    const details = await app.showImage({ runId, imageId: idOf({ ids }, 'Cat/b.jpg') });
    assert.deepEqual(
      [details.path, details.fileSize, details.modifiedMs, details.capturedAt, details.depth],
      [join(folder, 'Cat/b.jpg'), 1, 1, '2020-03-01T00:00:00', manifest.depth],
    );
    assert.deepEqual(details.top, [
      { label: 'cat', classIndex: CAT, confidence: 0.9 },
      { label: 'dog', classIndex: DOG, confidence: 0.45 },
    ]);
    assert.deepEqual([details.run.id, details.humanLabel, details.blockSelection], [runId, undefined, true]);
    assert.equal(details.patchGrid, gridOf(manifest));
    assert.deepEqual(details.tokensPerStage, [gridOf(manifest) ** 2, 3, 2, 2]);
    assert.ok(manifest.task === 'classification');
    assert.deepEqual(details.crops, [modelCrop(manifest.preprocessing, 48, 40)]);
    assert.deepEqual([details.task, details.detections, details.regions], ['classification', [], []]);
    const failed = await app.showImage({ runId, imageId: idOf({ ids }, 'broken.jpg') });
    assert.deepEqual(
      [failed.crops, failed.receipt, failed.tokensPerStage, failed.top],
      [[], undefined, [], []],
    );
    await assert.rejects(app.showImage({ runId, imageId: 99 }), notFound(/^There is no image 99 in run 1$/));
  });

  const gridOf = ({ imageSize, patchSize, stride }: Manifest) =>
    Math.floor((imageSize - patchSize) / stride) + 1;

  test('knows the square of the picture that the model sees', () => {
    const crop = { resize: 256, crop: 224 };
    assert.deepEqual(modelCrop(crop, 256, 256), { x: 16, y: 16, size: 224 });
    assert.deepEqual(modelCrop(crop, 512, 256), { x: 144, y: 16, size: 224 });
    assert.deepEqual(modelCrop(crop, 1024, 2048), { x: 64, y: 576, size: 896 });
    assert.deepEqual(modelCrop(crop, 257, 256), { x: 16, y: 16, size: 224 }); // 16.5 becomes the even 16
    assert.deepEqual(modelCrop({ resize: 64, crop: 64 }, 640, 480), { x: 75.29, y: 0, size: 480 }); // 10 of 85
  });
});

suite('classNames', () => {
  test("are the model's and people's, each once, in order", async (t) => {
    const { app, runId, ids } = await appWithRun(t);
    const names = ['cat', 'crane (n1)', 'crane (n2)', 'dog'];
    assert.deepEqual(await app.classNames({ runId }), { classes: names, own: [] });
    const imageIds = [idOf({ ids }, 'Cat/b.jpg')];
    await app.review({ runId, imageIds, verdict: { kind: 'label', label: 'badger' } });
    assert.deepEqual(await app.classNames({ runId }), { classes: names, own: ['badger'] });
  });
});

suite('compareRuns', () => {
  test('goes by labels, whatever the models number them', async (t) => {
    const { app, runId, libraryPath, folder, ids } = await appWithRun(t);
    const manifest = await manifestWith([{ name: 'dog' }, { name: 'fox' }, { name: 'cat' }]);
    const other = saveRun(
      libraryPath,
      folder,
      { name: 'others', manifest },
      {
        'Cat/b.jpg': { classes: [2] },
        'Cat/Ärger.jpg': { classes: [1] },
        'other/C.jpg': { classes: [2] },
        'crane/a_1.jpg': 'failed',
        'broken.jpg': { classes: [0] },
      },
    );
    assert.equal(other.ids['Cat/b.jpg'], ids['Cat/b.jpg']);
    const comparison = await app.compareRuns({ runId, otherRunId: other.runId });
    const { differences, ...counts } = comparison;
    assert.deepEqual(counts, { images: 3, agreeing: 1, onlyInFirst: 2, onlyInSecond: 1 });
    assert.deepEqual(
      new Set(differences.map(({ label, otherLabel, count }) => `${label} ${otherLabel} ${count}`)),
      new Set(['dog fox 1', 'dog cat 1']),
    );
    const find = async (label?: string) => {
      const filter = { differsFrom: { runId: other.runId, ...(label === undefined ? {} : { label }) } };
      return pathsOf(app, runId, (await app.findImages({ runId, filter, sort: 'path' })).imageIds);
    };
    assert.deepEqual(await find(), ['Cat/Ärger.jpg', 'other/C.jpg']);
    assert.deepEqual(await find('fox'), ['Cat/Ärger.jpg']);
    assert.deepEqual(await find('dog'), []);
    await assert.rejects(app.compareRuns({ runId, otherRunId: 99 }), notFound(/^There is no run 99/));
  });

  test('of models without a label in common differs in everything', async (t) => {
    const { app, runId, libraryPath, folder } = await appWithRun(t);
    const manifest = await manifestWith([{ name: 'ship' }]);
    const files = { 'Cat/b.jpg': { classes: [0] }, 'broken.jpg': { classes: [0] } };
    const other = saveRun(libraryPath, folder, { name: 'ships', manifest }, files);
    const { images, agreeing } = await app.compareRuns({ runId, otherRunId: other.runId });
    assert.deepEqual([images, agreeing], [1, 0]);
    const filter = { differsFrom: { runId: other.runId } };
    const { imageIds } = await app.findImages({ runId, filter, sort: 'path' });
    assert.deepEqual(await pathsOf(app, runId, imageIds), ['Cat/b.jpg']);
  });
});

suite('evaluateRun', () => {
  test('compares the images with the sub-folders that they lie in', async (t) => {
    const { app, runId, manifest } = await appWithRun(t);
    const evaluation = await app.evaluateRun({ runId });
    const { confusion, ...rest } = evaluation;
    assert.deepEqual(rest, {
      images: 4,
      ignored: 1,
      top1: 3 / 4,
      top5: 1,
      blockKeep: (2 + 8 + 5 + 6 + 1) / (5 * 2 * manifest.depth),
      classes: [
        { folder: 'Cat', images: 2, top1: 1, top5: 2 },
        { folder: 'crane', images: 2, top1: 2, top5: 2 },
      ],
    });
    assert.deepEqual(confusion, [
      { folder: 'Cat', label: 'cat', count: 1, right: true },
      { folder: 'Cat', label: 'dog', count: 1, right: false },
      { folder: 'crane', label: 'crane (n1)', count: 1, right: true },
      { folder: 'crane', label: 'crane (n2)', count: 1, right: true },
    ]);
  });

  test('needs a sub-folder that is named after a class', async (t) => {
    const { app, runId, folder } = await appWithRun(t, {
      'some/a.jpg': { classes: [CAT] },
      'b.jpg': 'failed',
    });
    await assert.rejects(app.evaluateRun({ runId }), {
      code: 'BAD_ARGUMENT',
      message: `No sub-folder of ${folder} is named like a class of the model everyday10`,
    });
  });
});
