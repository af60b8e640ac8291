import assert from 'node:assert/strict';
import { rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import Database from 'better-sqlite3';
import { Library } from '../../../../electron/core/store/library.ts';
import { session } from '../../support/test-app.ts';
import { twoStageHome } from '../../support/two-stage.ts';
import { appError } from '../app-error.ts';

/** What a run has in its images: by file name the status, the best classes, and of each box class, score and both scores. */
function saved(libraryPath: string, runId: number) {
  const library = Library.open(libraryPath);
  try {
    const row = library.runs.get(runId);
    assert.ok(row !== undefined);
    const [folder = ''] = row.spec.folders;
    const rows = library.results.page(runId, folder, '', 1000);
    const found = library.found.detections(
      runId,
      rows.map(({ imageId }) => imageId),
    );
    return Object.fromEntries(
      rows.map(({ relativePath, status, top, imageId }) => {
        const boxes = (found.get(imageId) ?? []).map(({ classIndex, score, scores, box, maskArea }) => [
          classIndex,
          hundredths(score),
          scores?.classIndex,
          scores && hundredths(scores.found),
          scores?.label,
          box.x,
          maskArea,
        ]);
        return [relativePath, { status, top: top.map(({ classIndex }) => classIndex), boxes }];
      }),
    );
  } finally {
    library.close();
  }
}

const hundredths = (value: number) => Math.round(value * 100) / 100;

suite('a run that finds first', () => {
  test('labels each box above the threshold, and keeps what both models say of it', async (t) => {
    const { app, run, engine, libraryPath, folder } = await twoStageHome(t, 4);
    const { id, state, spec, counts, blank } = await run({});
    assert.deepEqual([state, counts.ok, blank], ['done', 4, 1]);
    assert.deepEqual([spec.modelName, spec.find?.modelName], ['everyday10', 'finder']);
    assert.deepEqual([spec.find?.minScore, spec.find?.margin, spec.find?.rule], [0.2, 0.1, 'best']);
    assert.deepEqual(
      engine.models.map(({ input }) => input.task),
      ['detection', 'classification'],
    );
    const { '000.jpg': none, '003.jpg': three } = saved(libraryPath, id);
    assert.deepEqual(none, { status: 'ok', top: [], boxes: [] });
    // The finder's classes are 3, 4 and 5; a crop's class is its left edge's last digit in the double.
    assert.deepEqual(three?.boxes, [
      [0, 0.72, 3, 0.9, 0.8, 2, 128],
      [7, 0.48, 4, 0.6, 0.8, 12, 128],
      [7, 0.24, 5, 0.3, 0.8, 22, 128],
    ]);
    assert.deepEqual(three.top, [0, 7]);

    const strict = await run({ above: 0.5 });
    assert.notEqual(strict.id, id);
    assert.equal(saved(libraryPath, strict.id)['003.jpg']?.boxes.length, 2);
    const finders = (await app.listRuns({})).filter(({ spec: one }) => one.find === undefined);
    assert.deepEqual(
      finders.map((one) => [one.spec.modelName, one.spec.folders, one.counts.ok]),
      [['finder', [folder], 4]],
    );
  });

  test('calls an image as the rule says: by its best box, or as most of its boxes', async (t) => {
    const { app, run } = await twoStageHome(t, 4);
    const labelOf = async (runId: number) => {
      const { labels } = await app.showRun({ runId });
      return Object.fromEntries(labels.map(({ label, count }) => [label, count]));
    };
    const best = await run({ rule: 'best' });
    assert.deepEqual(await labelOf(best.id), { '': 1, airplane: 3 });
    const most = await run({ rule: 'most' });
    assert.deepEqual(await labelOf(most.id), { '': 1, airplane: 2, horse: 1 });
  });

  test('passes kinds through that are not to be classified', async (t) => {
    const { run, kinds, libraryPath, app } = await twoStageHome(t, 4);
    const passed = kinds[1] ?? '';
    const { id, spec } = await run({ pass: [passed.toUpperCase()] });
    assert.deepEqual(spec.find?.pass, [passed]);
    const classes = await app.classNames({ runId: id });
    assert.ok(classes.classes.includes(passed) && classes.classes.includes('horse'));
    // Behind the classifier's ten classes, with the finder's own score.
    assert.deepEqual(saved(libraryPath, id)['001.jpg']?.boxes, [[10, 0.9, 1, 0.9, undefined, 2, 128]]);
    assert.deepEqual(saved(libraryPath, id)['002.jpg']?.boxes[0], [0, 0.72, 2, 0.9, 0.8, 2, 128]);
    await assert.rejects(
      run({ pass: ['dragon'] }),
      appError('BAD_ARGUMENT', /Expected kinds of finder .* but "dragon" is none of them/),
    );
  });

  test('is the same run for the same ask, and does nothing again', async (t) => {
    const { run, engine } = await twoStageHome(t, 8);
    const first = await run({});
    const asked = engine.batches.length;
    const again = await run({ above: 0.2, margin: 0.1, rule: 'best' });
    assert.deepEqual([again.id, again.counts.ok, engine.batches.length], [first.id, 8, asked]);
  });

  test('finds nothing again for another classifier', async (t) => {
    const { run, engine } = await twoStageHome(t, 8);
    const first = await run({});
    engine.batches.length = 0;
    engine.models.length = 0;
    const other = await run({}, { preset: 'accurate' });
    assert.notEqual(other.id, first.id);
    assert.deepEqual(
      engine.models.map(({ input }) => input.task),
      ['classification'],
    );
    assert.deepEqual(engine.predicted.sort(), [
      '001.jpg',
      '002.jpg',
      '003.jpg',
      '005.jpg',
      '006.jpg',
      '007.jpg',
    ]);
  });

  test('does both again for a file that changed, for no other, and keeps what people said', async (t) => {
    const { app, run, engine, folder, libraryPath } = await twoStageHome(t, 8);
    const { id } = await run({});
    const { imageIds } = await app.findImages({ runId: id, filter: {}, sort: 'path' });
    const reviewed = imageIds[3] ?? 0;
    const boxes = [{ x: 1, y: 2, width: 10, height: 12, label: 'frog' }];
    await app.review({ runId: id, imageIds: [reviewed], verdict: { kind: 'boxes', boxes } });
    writeFileSync(join(folder, '003.jpg'), 'another one');
    utimesSync(join(folder, '003.jpg'), 1000, 1000);
    rmSync(join(folder, '007.jpg'));
    engine.batches.length = 0;
    const again = await run({});
    assert.deepEqual([again.id, again.counts.total, again.counts.ok], [id, 7, 7]);
    assert.deepEqual(engine.predicted, ['003.jpg', '003.jpg']); // found, then labelled
    assert.equal(saved(libraryPath, id)['007.jpg'], undefined);
    const { humanBoxes, item } = await app.showImage({ runId: id, imageId: reviewed });
    assert.deepEqual(
      humanBoxes?.map(({ label }) => label),
      ['frog'],
    );
    assert.equal(item.label, 'frog');
  });

  test('goes on where it was paused, in either stage, to the same results', async (t) => {
    const whole = await twoStageHome(t, 40);
    const { id } = await whole.run({}, { batch: 4 });
    const expected = saved(whole.libraryPath, id);
    for (const stage of ['detection', 'classification'] as const) {
      const { app, run, engine, libraryPath } = await twoStageHome(t, 40);
      engine.beforeAnswer = () => {
        if (engine.models.at(-1)?.input.task === stage) void app.cancel({ runId: 2 });
      };
      const paused = await run({}, { batch: 4 });
      assert.deepEqual([paused.id, paused.state, paused.counts.total], [2, 'paused', 40]);
      assert.ok(paused.counts.pending > 0);
      await app.close();
      const later = session(t, libraryPath);
      const done = await later.app.resume({ runId: 2 });
      assert.deepEqual([done.state, done.counts.ok], ['done', 40]);
      assert.deepEqual(saved(libraryPath, 2), expected);
      const predicted = [...engine.predicted, ...later.engine.predicted];
      assert.equal(predicted.length, 40 + 30); // each picture once, and once more where it has boxes
    }
  });

  test('labels the boxes of another run as they are, also when its model is gone', async (t) => {
    const { app, folder, engine, libraryPath } = await twoStageHome(t, 4);
    const boxes = await app.run({ folders: [folder], model: 'finder' });
    await app.removeModel({ model: 'finder' });
    engine.models.length = 0;
    const find = { runId: boxes.id, pass: [] };
    const run = await app.run({ folders: [folder], find });
    assert.deepEqual([run.state, run.counts.ok, run.blank], ['done', 4, 1]);
    assert.deepEqual(run.spec.find?.run?.id, boxes.id);
    assert.deepEqual(
      engine.models.map(({ input }) => input.task),
      ['classification'],
    );
    assert.equal(saved(libraryPath, run.id)['003.jpg']?.boxes.length, 3);
    await app.removeRun({ runId: boxes.id });
    await assert.rejects(app.run({ folders: [folder], find }), appError('NOT_FOUND', /There is no run 1/));
  });

  test('over a run that itself finds first takes what its finder said, as does one over the finder', async (t) => {
    const { app, run, folder, kinds, libraryPath } = await twoStageHome(t, 8);
    const pass = [kinds[1] ?? ''];
    for (const above of [0.2, 0.5]) {
      const expected = await run({ pass, above }, { preset: 'fast' });
      const first = await run({ above }); // whose boxes have classes of everyday10, and scores of both models
      const find = { runId: first.id, pass, above };
      const again = await app.run({ folders: [folder], preset: 'fast', find });
      assert.deepEqual(saved(libraryPath, again.id), saved(libraryPath, expected.id));
      const { modelName, modelSha256, run: from } = again.spec.find ?? {};
      assert.deepEqual([modelName, modelSha256], ['finder', expected.spec.find?.modelSha256]);
      assert.equal(from?.id, first.id);
      assert.deepEqual(
        (await app.showRun({ runId: again.id })).labels,
        (await app.showRun({ runId: expected.id })).labels,
      );
    }
    await assert.rejects(
      app.run({ folders: [folder], find: { runId: 2, pass: ['airplane'] } }),
      appError('BAD_ARGUMENT', /Expected kinds of finder .* but "airplane" is none of them/),
    );
  });

  test('is not gone on with where it was begun with the labels of another such run in place of what was found', async (t) => {
    const { app, run, folder, engine, libraryPath } = await twoStageHome(t, 40);
    const first = await run({});
    engine.beforeAnswer = () => void app.cancel({ runId: 3 });
    const find = { runId: first.id, pass: [] };
    const paused = await app.run({ folders: [folder], batch: 4, find });
    assert.deepEqual([paused.id, paused.state], [3, 'paused']);
    await app.close();
    const database = new Database(libraryPath);
    const pair = first.spec.modelSha256; // as Winnow once had it
    database.prepare("UPDATE runs SET spec = json_set(spec, '$.find.modelSha256', ?) WHERE id = 3").run(pair);
    database.close();
    const later = session(t, libraryPath);
    await assert.rejects(
      later.app.resume({ runId: 3 }),
      appError('BAD_ARGUMENT', /Expected what found the boxes of run 2, .*begun with the labels of those/),
    );
    assert.equal((await later.app.showRun({ runId: 3 })).run.counts.ok, paused.counts.ok);
  });

  test('tells of the pictures that are found in and of the boxes that are labelled', async (t) => {
    const { run, events } = await twoStageHome(t, 8);
    const { id } = await run({}, { batch: 2 });
    const told = events.flatMap((event) => (event.type === 'progress' ? [event.progress] : []));
    assert.ok(told.every(({ runId }) => runId === id));
    const stages = told.flatMap((progress) => (progress.stages === undefined ? [] : [progress.stages]));
    assert.deepEqual(stages.at(0), { found: { done: 2, total: 8 }, labelled: { done: 0, total: 0 } });
    assert.deepEqual(stages.at(-1), { found: { done: 8, total: 8 }, labelled: { done: 12, total: 12 } });
    assert.deepEqual([told.at(-1)?.phase, told.at(-1)?.ok, told.at(-1)?.blank], ['done', 8, 2]);
    assert.ok(
      told.every(({ secondsLeft, stages: two }) => secondsLeft === undefined || two?.found.done === 8),
    );
  });

  test('refuses in a sentence what does not fit', async (t) => {
    const { app, folder, run } = await twoStageHome(t, 1);
    await assert.rejects(
      run({}, { model: 'finder' }),
      appError(
        'BAD_ARGUMENT',
        /Expected a model that classifies pictures to label .* but finder detects objects/,
      ),
    );
    await assert.rejects(
      run({ model: 'everyday10' }),
      appError('BAD_ARGUMENT', /Expected a model that detects objects to find .* but everyday10 classifies/),
    );
    await assert.rejects(run({ runId: 1 }), appError('BAD_ARGUMENT', /either a model or a run/));
    const plain = await app.run({ folders: [folder] });
    await assert.rejects(
      app.run({ folders: [folder], find: { runId: plain.id } }),
      appError('BAD_ARGUMENT', /Expected a run with boxes .* but run 1 is of everyday10, which classifies/),
    );
    const found = await app.run({ folders: [folder], model: 'finder' });
    for (const [find, dial, what] of [
      [{ preset: 'fast' }, {}, 'preset of what finds'],
      [{}, { inputSize: 64 }, 'input size'],
      [{}, { maxDetections: 3 }, 'number of detections'],
    ] as const)
      await assert.rejects(
        app.run({ folders: [folder], find: { runId: found.id, ...find }, ...dial }),
        appError(
          'BAD_ARGUMENT',
          new RegExp(`^Run ${found.id} has found its boxes already, so there is no ${what} to set$`),
        ),
      );
  });

  test('the input size is that of what finds, so the dial of what labels has none', async (t) => {
    const { app, folder } = await twoStageHome(t, 1);
    const request = { folders: [folder], find: { model: 'finder' } };
    const { points, chosen } = await app.estimateRun({ ...request, inputSize: 64 });
    assert.deepEqual(
      [...points, chosen].map(({ preset }) => preset.inputSize),
      Array.from({ length: points.length + 1 }, () => undefined),
    );
    const plain = await app.estimateRun(request);
    assert.deepEqual(points, plain.points);
  });
});
