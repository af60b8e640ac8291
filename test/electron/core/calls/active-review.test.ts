import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { ResultFilter, ResultSort } from '../../../../electron/shared/api/results.ts';
import type { Preset } from '../../../../electron/shared/run.ts';
import { testApp } from '../../support/test-app.ts';
import { ACCURATE, manifestWith, saveRun } from '../../support/saved-run.ts';
import type { Found } from '../../support/saved-run.ts';

const [CAT, DOG, FOX] = [0, 1, 2];
const FAST: Preset = { ...ACCURATE, name: 'fast', tokenKeep: [0.5, 0.25, 0.125] };
const animals = async (preset: Preset) => {
  const manifest = await manifestWith([{ name: 'cat' }, { name: 'dog' }, { name: 'fox' }]);
  return { name: 'animals', manifest, preset };
};

const ok = (best: number, second: number, ...confidence: number[]): Found => ({
  classes: [best, second],
  confidence,
});

/** What Fast found, and what Accurate did; `here` and `there` are in the other run alone, as good as not there. */
const FAST_FILES: Record<string, Found> = {
  'clear.jpg': ok(CAT, DOG, 0.9, 0.05),
  'close.jpg': ok(CAT, DOG, 0.45, 0.44),
  'only.jpg': { classes: [CAT], confidence: 0.5 },
  'sure.jpg': ok(CAT, FOX, 0.95, 0.01),
  'torn.jpg': ok(DOG, CAT, 0.4, 0.3),
  'here.jpg': ok(DOG, CAT, 0.6, 0.3),
  'broken.jpg': 'failed',
  'new.jpg': 'pending',
};
const ACCURATE_FILES: Record<string, Found> = {
  'clear.jpg': ok(CAT, DOG, 0.85, 0.05),
  'close.jpg': ok(CAT, DOG, 0.8, 0.1),
  'only.jpg': ok(CAT, DOG, 0.5, 0.1),
  'sure.jpg': ok(FOX, CAT, 0.9, 0.1),
  'torn.jpg': ok(CAT, DOG, 0.41, 0.4),
  'here.jpg': 'pending',
  'broken.jpg': ok(FOX, CAT, 0.7, 0.1),
  'there.jpg': ok(FOX, CAT, 0.7, 0.1),
};

async function appWithRuns(t: TestContext) {
  const home = testApp(t);
  const { app, libraryPath, folder } = home;
  const fast = saveRun(libraryPath, folder, await animals(FAST), FAST_FILES);
  const accurate = saveRun(libraryPath, folder, await animals(ACCURATE), ACCURATE_FILES);
  const find = async (runId: number, sort: ResultSort, comparedWith?: number, filter: ResultFilter = {}) => {
    const { imageIds } = await app.findImages({ runId, filter, sort, comparedWith });
    const items = await app.resultItems({ runId, imageIds: [...imageIds] });
    return items.map(({ relativePath }) => relativePath.replace('.jpg', ''));
  };
  return { ...home, fast, accurate, find };
}

suite('the order that a model would learn most from', () => {
  test('lowestMargin: the best two classes close together first, without two last', async (t) => {
    const { fast, find } = await appWithRuns(t);
    const rest = ['only', 'broken', 'new'];
    const order = ['close', 'torn', 'here', 'clear', 'sure', ...rest];
    assert.deepEqual(await find(fast.runId, 'lowestMargin'), order);
    const dogs = await find(fast.runId, 'lowestMargin', undefined, { labels: ['dog'] });
    assert.deepEqual(dogs, ['torn', 'here']);
  });

  test('disagreement: other labels first, the surest ahead; then confidences that differ most', async (t) => {
    const { fast, accurate, find } = await appWithRuns(t);
    const common = ['sure', 'torn', 'close', 'clear', 'only'];
    assert.deepEqual(await find(fast.runId, 'disagreement', accurate.runId), [
      ...common,
      'here',
      'broken',
      'new',
    ]);
    // The same from the other side, but for what that run has alone.
    assert.deepEqual(await find(accurate.runId, 'disagreement', fast.runId), [
      ...common,
      'here',
      'broken',
      'there',
    ]);
    const differing = { differsFrom: { runId: accurate.runId } };
    assert.deepEqual(await find(fast.runId, 'disagreement', accurate.runId, differing), ['sure', 'torn']);
    // The run of a filter and that of the order are two.
    const nowhere = { differsFrom: { runId: fast.runId } };
    assert.deepEqual(await find(fast.runId, 'disagreement', accurate.runId, nowhere), []);
  });

  test('disagreement goes by labels where the models number them differently', async (t) => {
    const { libraryPath, folder, fast, find } = await appWithRuns(t);
    const manifest = await manifestWith([{ name: 'wolf' }, { name: 'dog' }, { name: 'cat' }]);
    const wolves = saveRun(
      libraryPath,
      folder,
      { name: 'wolves', manifest },
      { 'sure.jpg': ok(2, 1, 0.9, 0), 'torn.jpg': ok(0, 1, 0.2, 0), 'close.jpg': ok(2, 1, 0.9, 0) },
    );
    const order = await find(fast.runId, 'disagreement', wolves.runId);
    assert.deepEqual(order.slice(0, 3), ['torn', 'close', 'sure']);
  });

  test('disagreement needs the other run', async (t) => {
    const { app, fast } = await appWithRuns(t);
    const request = { runId: fast.runId, filter: {}, sort: 'disagreement' as const };
    await assert.rejects(app.findImages(request), {
      code: 'BAD_ARGUMENT',
      message: 'The sort disagreement needs a run to compare run 1 with',
    });
    await assert.rejects(app.findImages({ ...request, comparedWith: 9 }), {
      code: 'NOT_FOUND',
      message: 'There is no run 9 to compare with',
    });
    await assert.rejects(app.findImages({ ...request, comparedWith: 0 }), { code: 'BAD_ARGUMENT' });
  });
});

suite('comparableRuns', () => {
  test('are of the same model with another preset, most images in common first', async (t) => {
    const { app, libraryPath, folder, fast, accurate } = await appWithRuns(t);
    const manifest = await manifestWith([{ name: 'cat' }]);
    saveRun(libraryPath, folder, { name: 'other', manifest }, FAST_FILES);
    const balanced = { ...ACCURATE, name: 'balanced', blockThreshold: 0.5 };
    const few = saveRun(libraryPath, folder, await animals(balanced), { 'clear.jpg': ok(CAT, DOG, 0.9, 0) });
    const elsewhere = { ...ACCURATE, name: 'custom', blockThreshold: 0.7 };
    saveRun(libraryPath, `${folder}/elsewhere`, await animals(elsewhere), FAST_FILES);
    const idle = { ...ACCURATE, name: 'custom', precision: 'int8' as const };
    saveRun(libraryPath, folder, await animals(idle), { 'clear.jpg': 'pending' });
    const comparable = async (runId: number) =>
      (await app.comparableRuns({ runId })).map(({ run, images }) => [run.id, images]);
    assert.deepEqual(await comparable(fast.runId), [
      [accurate.runId, 5],
      [few.runId, 1],
    ]);
    assert.deepEqual(await comparable(few.runId), [
      [fast.runId, 1],
      [accurate.runId, 1],
    ]);
    const [first] = await app.comparableRuns({ runId: fast.runId });
    assert.deepEqual(first?.run.spec.preset, ACCURATE);
    await assert.rejects(app.comparableRuns({ runId: 99 }), { code: 'NOT_FOUND' });
  });
});

suite('reviewed images of a run', () => {
  test('are counted in its details and beside its filters, corrections among them', async (t) => {
    const { app, fast, accurate } = await appWithRuns(t);
    const counts = async (runId: number) => {
      const filter: ResultFilter = { labels: ['fox'], minConfidence: 0.99 };
      const { reviewed } = await app.resultFacets({ runId, filter });
      return [(await app.showRun({ runId })).reviewed, reviewed];
    };
    assert.deepEqual(await counts(fast.runId), [{ verified: 0, corrected: 0 }, 0]);
    const idOf = (path: string) => fast.ids[path] ?? assert.fail(`there is no ${path}`);
    const review = (label: string, ...paths: string[]) =>
      app.review({ runId: fast.runId, imageIds: paths.map(idOf), verdict: { kind: 'label', label } });
    await review('cat', 'sure.jpg', 'torn.jpg', 'close.jpg');
    await review('badger', 'here.jpg', 'broken.jpg');
    assert.deepEqual(await counts(fast.runId), [{ verified: 5, corrected: 3 }, 5]);
    // The other run called one of them a fox, and has no label for one.
    assert.deepEqual(await counts(accurate.runId), [{ verified: 5, corrected: 3 }, 5]);
    await app.undoReview({});
    assert.deepEqual(await counts(accurate.runId), [{ verified: 3, corrected: 1 }, 3]);
  });
});
