import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { AppService } from '../../../../electron/core/app-service.ts';
import type { Verdict } from '../../../../electron/shared/api/review.ts';
import { testApp, session } from '../../support/test-app.ts';
import { manifestWith, saveRun } from '../../support/saved-run.ts';

const ACCEPT: Verdict = { kind: 'accept' };
const CLEAR: Verdict = { kind: 'clear' };
const label = (name: string): Verdict => ({ kind: 'label', label: name });

/** An app that has run on 000.jpg (airplane), 001.jpg (automobile), 002.jpg (bird) and a bad file. */
async function appWithRun(t: TestContext) {
  const home = testApp(t, 3);
  writeFileSync(join(home.folder, 'bad.jpg'), 'x');
  const { id: runId } = await home.app.run({ folders: [home.folder] });
  const imageIds = [...(await home.app.findImages({ runId, filter: {}, sort: 'path' })).imageIds];
  home.events.length = 0;
  return { ...home, runId, imageIds, labels: () => labelsOf(home.app, runId, imageIds) };
}

/** The labels of images; those that a person verified with a tick. */
async function labelsOf(app: AppService, runId: number, imageIds: number[]): Promise<(string | undefined)[]> {
  const items = await app.resultItems({ runId, imageIds });
  return items.map(({ label: name, verified }) => (verified ? `${name ?? ''} ✓` : name));
}

const fresh = ['airplane', 'automobile', 'bird', undefined];

suite('review', () => {
  test('accepts, relabels and clears, and tells so', async (t) => {
    const { app, runId, imageIds, labels, events } = await appWithRun(t);
    const accepted = await app.review({ runId, imageIds, verdict: ACCEPT });
    const predicted = imageIds.slice(0, 3); // the bad file is passed over
    const history = { undo: 'Verify 3 images', redo: undefined };
    assert.deepEqual(accepted, { description: 'Verify 3 images', imageIds: predicted, history });
    assert.deepEqual(events, [{ type: 'reviewed', imageIds: predicted, history }]);
    assert.deepEqual(await labels(), ['airplane ✓', 'automobile ✓', 'bird ✓', undefined]);

    const [first = 0, , , bad = 0] = imageIds;
    const relabelled = await app.review({ runId, imageIds: [bad, first], verdict: label(' sea gull ') });
    assert.equal(relabelled.description, 'Relabel 2 images as sea gull');
    assert.deepEqual(await labels(), ['sea gull ✓', 'automobile ✓', 'bird ✓', 'sea gull ✓']);
    const details = await app.showImage({ runId, imageId: first });
    assert.deepEqual([details.humanLabel, details.item.modelLabel], ['sea gull', 'airplane']);

    await app.review({ runId, imageIds: [first], verdict: ACCEPT }); // the model was right after all
    const cleared = await app.review({ runId, imageIds: [bad], verdict: CLEAR });
    assert.equal(cleared.description, 'Clear the review of 1 image');
    assert.deepEqual(await labels(), ['airplane ✓', 'automobile ✓', 'bird ✓', undefined]);
  });

  test("writes a label as the model's class is written that it names", async (t) => {
    const { app, runId, imageIds, labels } = await appWithRun(t);
    const [first = 0, second = 0] = imageIds;
    await app.review({ runId, imageIds: [first], verdict: label('AIRPLANE') });
    await app.review({ runId, imageIds: [second], verdict: label('Aeroplane') });
    assert.deepEqual(await labels(), ['airplane ✓', 'Aeroplane ✓', 'bird', undefined]);
    const filter = { status: 'corrected' } as const;
    const { imageIds: corrected } = await app.findImages({ runId, filter, sort: 'path' });
    assert.deepEqual([...corrected], [second]);
  });

  test('keeps a label as it was written that names two classes', async (t) => {
    const home = testApp(t);
    const cranes = [
      { name: 'crane', synset: 'n02012849' },
      { name: 'crane', synset: 'n03126707' },
    ];
    const model = { name: 'cranes', manifest: await manifestWith(cranes) };
    const { runId, ids } = saveRun(home.libraryPath, home.folder, model, {
      'a.jpg': { classes: [0] },
      'b.jpg': { classes: [1] },
    });
    const imageIds = Object.values(ids);
    await home.app.review({ runId, imageIds, verdict: label('Crane') });
    assert.deepEqual(await labelsOf(home.app, runId, imageIds), ['Crane ✓', 'Crane ✓']);
    await home.app.review({ runId, imageIds, verdict: label('N03126707') }); // names one of them
    const named = 'crane (n03126707) ✓';
    assert.deepEqual(await labelsOf(home.app, runId, imageIds), [named, named]);
  });

  test('that changes nothing is no step and no news', async (t) => {
    const { app, runId, imageIds, events } = await appWithRun(t);
    const bad = imageIds.slice(3);
    for (const verdict of [ACCEPT, CLEAR]) {
      const change = await app.review({ runId, imageIds: bad, verdict });
      assert.deepEqual([change.imageIds, change.history.undo], [[], undefined]);
    }
    await app.review({ runId, imageIds, verdict: label('cat') });
    const again = await app.review({ runId, imageIds: [...imageIds, ...imageIds], verdict: label('cat') });
    assert.deepEqual([again.imageIds, again.history.undo], [[], 'Relabel 4 images as cat']);
    assert.equal(events.length, 1);
  });

  test('of an image that is not in the run changes nothing', async (t) => {
    const { app, runId, imageIds, labels, events } = await appWithRun(t);
    await assert.rejects(app.review({ runId, imageIds: [...imageIds, 99], verdict: ACCEPT }), {
      code: 'NOT_FOUND',
      message: 'There is no image 99 in run 1',
    });
    assert.deepEqual([await labels(), events], [fresh, []]);
    assert.deepEqual(await app.reviewHistory({}), { undo: undefined, redo: undefined });
  });

  test('refuses what is no verdict', async (t) => {
    const { app, runId, imageIds } = await appWithRun(t);
    const refused = (message: RegExp) => ({ code: 'BAD_ARGUMENT', message });
    await assert.rejects(
      app.review({ runId, imageIds: [], verdict: ACCEPT }),
      refused(/^At least one image/),
    );
    await assert.rejects(
      app.review({ runId, imageIds, verdict: label('  ') }),
      refused(/^A label must not be empty/),
    );
    await assert.rejects(
      app.review({ runId, imageIds: [0.5], verdict: ACCEPT }),
      refused(/^An image is named/),
    );
    await assert.rejects(app.review({ runId: 9, imageIds, verdict: ACCEPT }), { code: 'NOT_FOUND' });
  });
});

suite('undo and redo', () => {
  test('go back to the start and forward again', async (t) => {
    const { app, runId, imageIds, labels, events } = await appWithRun(t);
    const states = [await labels()];
    const steps: [number[], Verdict][] = [
      [imageIds, ACCEPT],
      [imageIds.slice(0, 2), label('cat')],
      [imageIds.slice(1), CLEAR],
      [imageIds.slice(1, 2), label('dog')],
      [imageIds.slice(0, 1), label('dog')],
    ];
    for (const [ids, verdict] of steps) {
      await app.review({ runId, imageIds: ids, verdict });
      states.push(await labels());
    }
    for (let round = 0; round < 2; round++) {
      for (const state of states.slice(0, -1).reverse()) {
        assert.ok((await app.undoReview({})) !== undefined);
        assert.deepEqual(await labels(), state);
      }
      assert.equal(await app.undoReview({}), undefined);
      for (const state of states.slice(1)) {
        assert.ok((await app.redoReview({})) !== undefined);
        assert.deepEqual(await labels(), state);
      }
      assert.equal(await app.redoReview({}), undefined);
    }
    assert.equal(events.filter(({ type }) => type === 'reviewed').length, steps.length * 5);
  });

  test('say what they do; a new change ends what could be done again', async (t) => {
    const { app, runId, imageIds, labels } = await appWithRun(t);
    const [first = 0] = imageIds;
    await app.review({ runId, imageIds, verdict: ACCEPT });
    await app.review({ runId, imageIds: [first], verdict: label('cat') });
    const undone = await app.undoReview({});
    const history = { undo: 'Verify 3 images', redo: 'Relabel 1 image as cat' };
    assert.deepEqual(undone, { description: 'Relabel 1 image as cat', imageIds: [first], history });
    assert.deepEqual(await app.reviewHistory({}), history);
    await app.review({ runId, imageIds: [first], verdict: label('dog') });
    assert.deepEqual(await app.reviewHistory({}), { undo: 'Relabel 1 image as dog', redo: undefined });
    assert.equal(await app.redoReview({}), undefined);
    await app.undoReview({});
    await app.undoReview({});
    assert.deepEqual(await labels(), fresh);
  });

  test('give back when an image was verified', async (t) => {
    const { app, runId, imageIds, labels } = await appWithRun(t);
    await app.review({ runId, imageIds, verdict: label('cat') });
    await app.review({ runId, imageIds, verdict: CLEAR });
    await app.undoReview({});
    assert.deepEqual(await labels(), ['cat ✓', 'cat ✓', 'cat ✓', 'cat ✓']);
  });

  test('reach back to the start of the app only', async (t) => {
    const { app, runId, imageIds, libraryPath } = await appWithRun(t);
    await app.review({ runId, imageIds, verdict: ACCEPT });
    const next = session(t, libraryPath).app;
    assert.equal(await next.undoReview({}), undefined);
    assert.deepEqual(await labelsOf(next, runId, imageIds.slice(0, 1)), ['airplane ✓']);
  });
});

suite('reviews', () => {
  test('survive a run again on changed files', async (t) => {
    const { app, runId, imageIds, labels, folder } = await appWithRun(t);
    const [first = 0] = imageIds;
    await app.review({ runId, imageIds: [first], verdict: label('cat') });
    writeFileSync(join(folder, '000.jpg'), 'other content');
    const { counts } = await app.run({ folders: [folder] });
    assert.equal(counts.ok, 3);
    assert.deepEqual(await labels(), ['cat ✓', 'automobile', 'bird', undefined]);
  });

  test('stand in the results of a run that did not see them being made', async (t) => {
    const { app, runId, imageIds, folder } = await appWithRun(t);
    await app.review({ runId, imageIds: imageIds.slice(0, 1), verdict: label('cat') });
    const second = await app.run({ folders: [folder], preset: 'accurate' });
    assert.notEqual(second.id, runId);
    assert.deepEqual(await labelsOf(app, second.id, imageIds.slice(0, 2)), ['cat ✓', 'automobile']);
  });
});
