import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { alikeBits } from '../../support/dhash-bits.ts';
import { writeFiles } from '../../support/files.ts';
import { classFolders, trainingApp, smallest, train } from '../../support/training-app.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { appError } from '../app-error.ts';

suite('before training', () => {
  test('the plan says classes, steps, time and size', async (t) => {
    const folder = classFolders(t, { dog: 30, cat: 20 });
    const { app, trainer, clock, events } = trainingApp(t);
    trainer.beforeStep = () => void (clock.now += 400); // 0.05 seconds for each of 8 pictures
    const plan = await app.prepareTraining({ folder, ...smallest, epochs: 4, batch: 8 });
    assert.deepEqual(plan.classes, [
      { name: 'cat', images: 17, holdout: 3 },
      { name: 'dog', images: 25, holdout: 5 },
    ]);
    assert.deepEqual([plan.steps, plan.warnings, plan.from], [4 * 6, [], undefined]);
    assert.equal(plan.name, `${basename(folder)}-scratch`);
    // 4 epochs of 42 pictures, and a third of that for each of 8 that is tested, four times and at the end.
    assert.ok(Math.abs((plan.seconds ?? 0) - 0.05 * (4 * (42 + 8 / 3) + 8 / 3)) < 1e-9);
    assert.ok(plan.parameters > 1000);
    assert.equal(trainer.steps.length, 3);
    assert.deepEqual([trainer.closed, trainer.kept], [1, []]);
    const read = events.filter(({ type }) => type === 'scanning');
    assert.ok(read.length >= 2);
    assert.deepEqual((await app.listTrainings({})).length, 0);
  });

  test('what was read and measured is not read and measured again', async (t) => {
    const folder = classFolders(t, { dog: 30, cat: 20 });
    const { app, trainer } = trainingApp(t);
    const first = await app.prepareTraining({ folder, ...smallest, batch: 8 });
    assert.deepEqual(await app.prepareTraining({ folder, ...smallest, batch: 8 }), first);
    assert.deepEqual([trainer.inspected.length, trainer.setups.length], [50, 1]);
    await app.prepareTraining({ folder, ...smallest, batch: 4 });
    assert.deepEqual([trainer.inspected.length, trainer.setups.length], [50, 2]);
    writeFiles(folder, { 'cat/new.jpg': 'another cat' });
    await app.prepareTraining({ folder, ...smallest, batch: 4 });
    assert.equal(trainer.inspected.length, 101);
  });

  test('a plan that is asked for anew ends the reading for the one before, and closing ends the last', async (t) => {
    const folder = classFolders(t, { dog: 30, cat: 20 });
    const { app, trainer } = trainingApp(t);
    const typed = app.prepareTraining({ folder: dirname(folder), ...smallest });
    const whole = app.prepareTraining({ folder, ...smallest });
    await assert.rejects(typed, appError('CANCELLED', /The reading of .* was cancelled/));
    assert.equal((await whole).classes.length, 2);
    assert.equal(trainer.inspected.length, 50);
    const last = app.prepareTraining({ folder, ...smallest });
    await Promise.all([app.close(), assert.rejects(last, { code: 'CANCELLED' })]);
  });

  test('plans of two windows do not end each other; that of a window that is closed ends', async (t) => {
    const folder = classFolders(t, { dog: 30, cat: 20 });
    const { app } = trainingApp(t);
    const [one, other] = [app.connect(), app.connect()];
    const [first, second] = await Promise.all([
      one.prepareTraining({ folder, ...smallest }),
      other.prepareTraining({ folder, ...smallest, holdout: 0.3 }),
    ]);
    assert.deepEqual([first.classes[1]?.holdout, second.classes[1]?.holdout], [5, 9]);
    const [left, kept] = [
      one.prepareTraining({ folder, ...smallest, seed: 1 }),
      other.prepareTraining({ folder, ...smallest, seed: 2 }),
    ];
    one.disconnect();
    await assert.rejects(left, { code: 'CANCELLED' });
    assert.equal((await kept).classes.length, 2);
  });

  test('a machine on which steps fail gives no time', async (t) => {
    const folder = classFolders(t, { dog: 30, cat: 20 });
    const { app, trainer } = trainingApp(t);
    trainer.beforeStep = () => trainer.die();
    const plan = await app.prepareTraining({ folder, ...smallest });
    assert.equal(plan.seconds, undefined);
  });
});

/** The warnings about a folder, by kind. */
async function warnings(t: TestContext, folder: string, dHash: (path: string) => object = () => ({})) {
  const { app, trainer } = trainingApp(t);
  trainer.look = dHash;
  const plan = await app.prepareTraining({ folder, ...smallest });
  return new Map(plan.warnings.map((warning) => [warning.kind, warning]));
}

suite('warnings', () => {
  test('of few and unbalanced pictures', async (t) => {
    const found = await warnings(t, classFolders(t, { dog: 200, cat: 19, fox: 60 }));
    assert.match(
      found.get('few-images')?.message ?? '',
      /One class has fewer than 20 pictures.*: cat \(19\)\./,
    );
    assert.match(found.get('unbalanced')?.message ?? '', /dog has 200 pictures and cat only 19/);
    assert.equal(found.size, 2);
  });

  test('of files that cannot be read, which are left out', async (t) => {
    const folder = classFolders(t, { dog: 30, cat: 30 });
    writeFiles(folder, { 'cat/bad 1.jpg': 'x', 'dog/bad 2.jpg': 'x' });
    const unreadable = (await warnings(t, folder)).get('unreadable');
    assert.match(
      unreadable?.message ?? '',
      /2 files cannot be read and are left out, such as cat\/bad 1\.jpg: a bad file\./,
    );
    assert.deepEqual([unreadable?.paths, unreadable?.count], [['cat/bad 1.jpg', 'dog/bad 2.jpg'], 2]);
  });

  test('of classes that were left out: with one picture, with none, with one picture twice, with none that can be read', async (t) => {
    const folder = classFolders(t, { dog: 30, cat: 20, fox: 1, owl: 0 });
    mkdirSync(join(folder, 'owl'), { recursive: true });
    writeFiles(folder, {
      'twin/a.jpg': 'the same',
      'twin/b.jpg': 'the same',
      'ring/bad 1.jpg': 'x',
      'ring/bad 2.jpg': 'y',
    });
    const { app } = trainingApp(t);
    const request = { folder, ...smallest };
    const tooFew = appError('TOO_FEW_PICTURES', /owl holds none/);
    await assert.rejects(app.prepareTraining(request), tooFew);
    await assert.rejects(app.startTraining(request), tooFew);
    const plan = await app.prepareTraining({ ...request, leaveOutPoor: true });
    assert.deepEqual(
      plan.classes.map(({ name }) => name),
      ['cat', 'dog'],
    );
    const [leftOut] = plan.warnings;
    assert.deepEqual(
      [leftOut?.kind, leftOut?.paths, leftOut?.count],
      ['left-out', ['owl', 'fox', 'ring', 'twin'], 4],
    );
    assert.match(
      leftOut?.message ?? '',
      /^4 classes are left out, .*: owl \(0\), fox \(1\), ring \(2\) and 1 more\.$/,
    );
    const { id, state, model } = await train(app, { ...request, leaveOutPoor: true });
    assert.deepEqual([state, model], ['done', plan.name]);
    const { classes } = await app.showTraining({ trainingId: id });
    assert.deepEqual(classes, plan.classes);
  });

  test('of the same picture in several classes', async (t) => {
    const folder = classFolders(t, { dog: 30, cat: 30 });
    writeFiles(folder, { 'cat/x.jpg': 'the same', 'dog/y.jpg': 'the same', 'dog/z.jpg': 'the same' });
    const duplicates = (await warnings(t, folder)).get('duplicates');
    assert.match(
      duplicates?.message ?? '',
      /One picture is in several classes at once, such as cat\/x\.jpg in cat and dog/,
    );
    assert.deepEqual(duplicates?.paths, ['cat/x.jpg', 'dog/y.jpg', 'dog/z.jpg']);
  });

  test('of pictures that look alike on both sides', async (t) => {
    const folder = classFolders(t, { dog: 30, cat: 30 });
    const dHash = (path: string) =>
      path.includes('cat') ? { dHash: alikeBits(Number.parseInt(basename(path))) } : {};
    const near = (await warnings(t, folder, dHash)).get('near-duplicates');
    assert.equal(near?.count, 5); // all cats that are held out
    assert.match(near.message, /5 pictures that are held out look like one that is learned from/);
    assert.ok(near.paths.every((path) => path.startsWith('cat/')));
  });

  test('of pictures that are mostly smaller than what the model sees', async (t) => {
    const folder = classFolders(t, { dog: 30, cat: 30 });
    const size = (path: string) => (path.includes('dog/000') ? {} : { width: 7, height: 40 });
    const small = (await warnings(t, folder, size)).get('small-pictures');
    assert.match(small?.message ?? '', /59 of 60 pictures are smaller than the 8 pixels/);
    const half = (path: string) => (path.includes('dog') ? {} : { width: 7, height: 40 });
    assert.equal((await warnings(t, folder, half)).get('small-pictures'), undefined);
  });
});

suite('folders', () => {
  test('count with all that lies below them, without what is hidden or junk', async (t) => {
    const folder = classFolders(t, { dog: 10, cat: 10 });
    const elsewhere = classFolders(t, { more: 10 });
    writeFiles(folder, {
      'dog/deep/down/a.jpg': 'a',
      'dog/.hidden/b.jpg': 'b',
      'dog/Thumbs.db': 'c',
      'dog/notes.txt': 'd',
      '.cache/e.jpg': 'e',
      '@eaDir/f.jpg': 'f',
      'beside.jpg': 'g',
    });
    symlinkSync(join(elsewhere, 'more'), join(folder, 'fox'));
    const { app } = trainingApp(t);
    const { classes } = await app.prepareTraining({ folder, ...smallest, holdout: 0.2 });
    assert.deepEqual(
      classes.map(({ name, images, holdout }) => [name, images + holdout]),
      [
        ['cat', 10],
        ['dog', 11],
        ['fox', 10],
      ],
    );
  });

  test('that cannot be learned from are refused in a sentence', async (t) => {
    const { app } = trainingApp(t);
    const empty = classFolders(t, { dog: 10, cat: 10 });
    mkdirSync(join(empty, 'fox'));
    const clash = temporaryFolder(t);
    writeFiles(clash, { 'Cat_a/1.jpg': '1', 'cat a/2.jpg': '2', 'dog/3.jpg': '3' });
    const unreadable = classFolders(t, { dog: 30 });
    writeFiles(
      unreadable,
      Object.fromEntries([1, 2, 3].map((index) => [`cat/bad ${index}.jpg`, String(index)])),
    );
    const refusals: [string, RegExp][] = [
      [temporaryFolder(t), /needs a sub-folder with pictures for every class, but .* has none/],
      [classFolders(t, { dog: 10 }), /at least two classes, but .* has one: dog/],
      [clash, /must differ in more than case, but there are Cat_a and cat a/],
      [classFolders(t, { dog: 3, cat: 3 }), /each of the 2 classes, but 15 % of 6 pictures are 1/],
    ];
    for (const [folder, sentence] of refusals) {
      await assert.rejects(app.prepareTraining({ folder, ...smallest }), appError('BAD_ARGUMENT', sentence));
    }
    const tooFew: [folder: string, sentence: RegExp][] = [
      [empty, /must hold pictures of its class, but .*fox holds none/],
      [classFolders(t, { dog: 10, cat: 1 }), /of cat there is 1$/],
      [unreadable, /pictures that can be read, but none of cat can/],
    ];
    for (const [folder, sentence] of tooFew) {
      const request = { folder, ...smallest };
      await assert.rejects(app.prepareTraining(request), appError('TOO_FEW_PICTURES', sentence));
    }
    // Where nothing is left to tell apart, that is the reason.
    await assert.rejects(
      app.prepareTraining({ folder: unreadable, ...smallest, leaveOutPoor: true }),
      appError('BAD_ARGUMENT', /at least two classes, but .* has one: dog/),
    );
    await assert.rejects(
      app.prepareTraining({ folder: '/nowhere', ...smallest }),
      appError('NOT_FOUND', /no folder \/nowhere/),
    );
  });

  test('and settings that contradict each other are refused, too', async (t) => {
    const { app } = trainingApp(t);
    const folder = classFolders(t, { dog: 20, cat: 20 });
    const head = { folder, method: 'head' } as const;
    const refusals: [Parameters<typeof app.prepareTraining>[0], RegExp][] = [
      [{ ...smallest }, /a folder or a run to learn from, but neither came/],
      [{ ...smallest, folder, runId: 1 }, /but both came/],
      [{ ...smallest, folder, from: 'everyday10' }, /starts from chance, but the model everyday10 was named/],
      [{ ...smallest, folder, recipe: 'vim-x' }, /There is no recipe vim-x/],
      [{ ...smallest, folder, device: 'gpu' }, /on cpu or reference, but not on gpu/],
      [{ ...smallest, folder, name: 'everyday10' }, /There is a model everyday10 already/],
      [{ ...smallest, folder, name: 'Everyday10' }, /There is a model Everyday10 already/],
      [{ ...smallest, folder, name: 'a/b' }, /cannot be the name of a model/],
      [{ ...head, epochs: 3 }, /solved at once.*no epochs to set/],
      [{ ...head, minutes: 3 }, /no time limit to set/],
      [{ ...head, augment: { flip: true } }, /no augmentation to set/],
    ];
    for (const [request, sentence] of refusals)
      await assert.rejects(app.startTraining(request), appError('BAD_ARGUMENT', sentence));
    assert.deepEqual(await app.listTrainings({}), []);
  });
});
