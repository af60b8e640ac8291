import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { detectorManifest } from '../electron/support/found.ts';
import type { MadeDetection } from '../electron/support/found.ts';
import { manifestWith, saveRun } from '../electron/support/saved-run.ts';
import type { Found } from '../electron/support/saved-run.ts';
import { violations } from './support/accessibility.ts';
import { e2e } from './support/e2e.ts';
import { hasFocus, tabTo } from './support/keyboard.ts';
import { say } from './support/say.ts';
import type { Stage } from './support/stage.ts';
import { until } from './support/until.ts';
import type { WinnowWindow } from './support/window.ts';

const size: [number, number] = [160, 120];
const [BIRD, BOAT] = [0, 1];
const named = (...names: string[]) => names.map((name) => ({ name }));
const box = (classIndex: number, score: number): MadeDetection => [classIndex, score, 20, 30, 60, 50];

/** In two of five nothing is found at a score of 0.5, in one of these at 0.3 neither. */
const found: Record<string, Found> = {
  'north/day/1.jpg': { detections: [box(BOAT, 0.9)], size },
  'north/day/2.jpg': { detections: [box(BOAT, 0.4)], size },
  'north/night/3.jpg': { detections: [], size },
  'south/4.jpg': { detections: [box(BIRD, 0.8)], size },
  'top.jpg': { detections: [box(BIRD, 0.7)], size },
};

/** A library with run 1 of a detection model over pictures in folders; gives its data folder and theirs. */
async function makeRun(stage: Stage) {
  const [data, folder] = [stage.folder(), join(stage.folder(), 'stations')];
  for (const [index, path] of Object.keys(found).entries()) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    const background = { r: 40 * index, g: 110, b: 140 };
    await sharp({ create: { width: size[0], height: size[1], channels: 3, background } })
      .jpeg()
      .toFile(join(folder, path));
  }
  const manifest = await detectorManifest(named('bird', 'boat'));
  saveRun(join(data, 'library.db'), folder, { name: 'birds-and-boats', manifest }, found);
  return { data, folder };
}

async function showRun(window: WinnowWindow, run: number, query = ''): Promise<void> {
  await window.visit(`/runs/${run}/results${query}`, say('runs.name', { run }));
  await window.hasCells(5);
}

e2e('the tree of folders filters at every depth, by keys alone', async (stage) => {
  const window = await stage.open(await makeRun(stage));
  const { page } = window;
  await showRun(window, 1);
  const tree = page.getByRole('tree', { name: say('new-run.folders') });
  const row = (name: string) => tree.getByRole('treeitem', { name });
  const rows = (expected: string[]) =>
    until(
      `the folders ${String(expected)}`,
      async () => (await tree.getByRole('treeitem').allTextContents()).map((text) => text.trim()),
      (texts) =>
        JSON.stringify(texts.map((text) => text.replaceAll(/\s+/g, ' '))) === JSON.stringify(expected),
    );
  const at = (name: string) => until(`the keyboard at ${name}`, () => hasFocus(row(name)));
  await rows(['stations 5', 'north 3', 'south 1']);

  await tabTo(page, row('stations'));
  await page.keyboard.press('ArrowDown');
  await at('north');
  await page.keyboard.press('ArrowRight');
  await rows(['stations 5', 'north 3', 'day 2', 'night 1', 'south 1']);
  await page.keyboard.press('ArrowRight');
  await at('day');
  await page.keyboard.press('Enter');
  await window.hasCells(2);
  await page.getByRole('treeitem', { name: 'day', selected: true, level: 3 }).waitFor();
  assert.equal(new URLSearchParams(page.url().split('?').at(-1)).get('in'), 'north/day');
  assert.deepEqual(await violations(page), []);
  await window.photograph('folder-tree');

  await page.reload();
  await window.hasCells(2);
  await rows(['stations 5', 'north 3', 'day 2', 'night 1', 'south 1']);
  await tabTo(page, row('day'));
  await page.keyboard.press('ArrowLeft');
  await at('north');
  await page.keyboard.press('ArrowLeft');
  await rows(['stations 5', 'north 3', 'south 1']);
  await page.keyboard.press('Enter');
  await window.hasCells(3);
  await page.getByRole('button', { name: say('facets.folder-clear', { folder: 'north' }) }).click();
  await window.hasCells(5);
});

e2e(
  'images in which nothing was found are blank, at the score of the view, and are not labelled',
  async (stage) => {
    const window = await stage.open(await makeRun(stage));
    const { page } = window;
    await showRun(window, 1);
    const filters = page.getByRole('complementary', { name: say('facets.name') });
    const entry = (status: 'labelled' | 'blank', count: number) =>
      filters.getByRole('button', { name: new RegExp(`^${say(`facets.status.${status}`)} ${count}$`) });
    const cell = (name: string) => page.getByRole('gridcell', { name: new RegExp(name) });
    const nothing = say('results.nothing-found');
    await entry('labelled', 3).waitFor();
    await entry('blank', 2).click();
    await window.hasCells(2);
    await cell(`^${nothing}.*2.jpg`).click();
    await page.locator('.review .label', { hasText: nothing }).waitFor();
    await window.photograph('blank');

    // The same image is a boat where less is enough.
    await showRun(window, 1, '?score=0.3');
    await entry('blank', 1).waitFor();
    await cell(`^boat, .*2.jpg`).click();
    await page.locator('.review .label', { hasText: 'boat' }).waitFor();
    await entry('labelled', 4).click();
    await window.hasCells(4);
    await showRun(window, 1);
    await cell(`^${nothing}.*2.jpg`).waitFor();

    await window.visit('/runs', say('rail.runs'));
    const labelled = page
      .getByRole('row', { name: say('runs.name', { run: 1 }) })
      .getByRole('cell')
      .nth(5);
    await until('three labelled images', async () => (await labelled.textContent())?.trim() === '3');
    await window.visit('/runs/1', say('runs.name', { run: 1 }));
    await page.getByRole('link', { name: say('run.empty-images', { count: 2 }) }).click();
    await window.hasCells(2);
  },
);

e2e('what was said among other classes is a suggestion that one key takes over', async (stage) => {
  const { data, folder } = await makeRun(stage);
  const library = join(data, 'library.db');
  const finder = { name: 'boats-and-trees', manifest: await detectorManifest(named('tree', 'boat')) };
  const nothing = Object.keys(found).map((path): [string, Found] => [path, { detections: [], size }]);
  saveRun(library, folder, finder, Object.fromEntries(nothing)); // run 2
  const classifier = { name: 'boat-or-sun', manifest: await manifestWith(named('sun', 'boat')) };
  const suns = Object.keys(found).map((path): [string, Found] => [path, { classes: [0, 1], size }]);
  saveRun(library, folder, classifier, Object.fromEntries(suns)); // run 3
  const window = await stage.open({ data });
  const { page, cells } = window;
  const first = cells.and(page.getByRole('gridcell', { name: '1.jpg' }));
  const verified = cells.and(page.getByRole('gridcell', { name: say('results.verified') }));
  const suggestion = page.getByRole('group', { name: say('review.suggestion-name') });

  await showRun(window, 1);
  await first.click();
  await page.keyboard.press('Enter');
  await verified.waitFor();

  for (const [run, said] of [
    [2, say('review.suggestion-boxes', { count: 1 })],
    [3, say('review.suggestion', { label: 'boat' })],
  ] as const) {
    await showRun(window, run);
    await first.click();
    await suggestion.getByText(said).waitFor();
    assert.equal(await verified.count(), 0);
    assert.deepEqual(await violations(page), []);
    await window.photograph(`suggestion-${run}`);
    await page.keyboard.press('s');
    await page
      .getByRole('gridcell', { name: new RegExp(`^boat, .*${say('results.verified')}.*1.jpg`) })
      .waitFor();
    await first.click();
    await page.locator('.review .state').waitFor();
    assert.equal(await suggestion.count(), 0);
  }
});
