import assert from 'node:assert/strict';
import { join } from 'node:path';
import { hasValue } from './support/keyboard.ts';
import { savedResults } from './support/library.ts';
import { copySamples, sampleNames } from './support/pictures.ts';
import { label } from './support/prepare.ts';
import { format, say } from './support/say.ts';
import { e2e } from './support/e2e.ts';
import type { Stage } from './support/stage.ts';
import { until } from './support/until.ts';
import type { WinnowWindow } from './support/window.ts';

/** A window with the results of a run over the sample pictures. */
async function openRun(stage: Stage): Promise<WinnowWindow> {
  const data = stage.folder();
  await label(data, copySamples(join(stage.folder(), 'samples')), 'balanced');
  const window = await stage.open({ data });
  await window.visit('/runs/1/results', say('runs.name', { run: 1 }));
  await window.hasCells(sampleNames.length);
  return window;
}

/** Waits until the library holds this review: index in the order of paths -> label. */
async function reviewed({ data }: WinnowWindow, expected: Record<number, string>): Promise<void> {
  const wanted = sampleNames.map((_, index) => expected[index]);
  await until(
    `the reviews ${JSON.stringify(wanted)}`,
    () => savedResults(data, 1).map(({ reviewed: said }) => said),
    (found) => JSON.stringify(found) === JSON.stringify(wanted),
  );
}

/** Indices of the images that are selected. */
async function selection({ cells, page }: WinnowWindow): Promise<number[]> {
  const selected = page.getByRole('gridcell', { selected: true });
  const indices: number[] = [];
  for (const [index, cell] of (await cells.all()).entries())
    if ((await cell.and(selected).count()) > 0) indices.push(index);
  return indices;
}

const multiple = { modifiers: ['ControlOrMeta' as const] };

e2e('images that are selected together get one label, which is undone and done again', async (stage) => {
  const window = await openRun(stage);
  const { page, cells } = window;
  await cells.nth(1).click();
  await cells.nth(4).click({ modifiers: ['Shift'] });
  await cells.nth(2).click(multiple);
  await cells.nth(7).click(multiple);
  assert.deepEqual(await selection(window), [1, 3, 4, 7]);
  await window.says(say('review.several', { count: 4 }));
  await page.getByRole('combobox', { name: say('review.search') }).fill('red fox');
  await page.getByRole('option', { name: say('review.new-label', { label: 'red fox' }) }).click();
  const foxes = { 1: 'red fox', 3: 'red fox', 4: 'red fox', 7: 'red fox' };
  await reviewed(window, foxes);
  await page.getByRole('button', { name: `red fox ${format.count(4)}` }).waitFor();

  await cells.nth(0).click();
  await page.keyboard.press('Shift+End');
  assert.equal((await selection(window)).length, sampleNames.length);
  await page.getByRole('button', { name: say('review.accept'), exact: true }).click();
  const models = savedResults(window.data, 1).map(({ label: model }) => model ?? '');
  await until('all to be verified', () => savedResults(window.data, 1).every(({ reviewed: said }) => said));
  await page.keyboard.press('ControlOrMeta+z');
  await reviewed(window, foxes);
  await page.keyboard.press('ControlOrMeta+z');
  await reviewed(window, {});
  await page.keyboard.press('ControlOrMeta+Shift+z');
  await reviewed(window, foxes);
  assert.deepEqual(
    savedResults(window.data, 1).map(({ label: model }) => model),
    models,
  );
});

e2e(
  'what is typed for an image is for that image, whatever leaves the list meanwhile',
  async (stage) => {
    const window = await openRun(stage);
    const { page, cells } = window;
    const another = await window.around.another();
    await window.visit('/runs/1/results?status=unverified', say('runs.name', { run: 1 }));
    await window.hasCells(sampleNames.length);
    await cells.nth(1).click();
    await page.keyboard.press('/');
    const picker = page.getByRole('combobox', { name: say('review.search') });
    await page.keyboard.type('red fo');
    await hasValue(picker, 'red fo');

    await another.visit('/runs/1/results', say('runs.name', { run: 1 }));
    await another.cells.nth(1).click();
    await another.page.keyboard.press('Enter');
    await cells
      .nth(1)
      .and(page.getByRole('gridcell', { name: say('results.verified') }))
      .waitFor();
    await page.keyboard.type('x');
    await hasValue(picker, 'red fox');
    await page.keyboard.press('Enter');
    await reviewed(window, { 1: 'red fox' });
    await window.hasCells(sampleNames.length - 1); // the list goes on when there is nothing typed any more
  },
  { inElectron: false },
);

e2e(
  'verdicts that are given faster than they are saved are each about an image of their own',
  async (stage) => {
    const window = await openRun(stage);
    const { page, cells } = window;
    const labels = savedResults(window.data, 1).map(({ label: name = '' }) => name);
    await cells.nth(0).click();
    for (const key of ['Enter', 'Enter', '1', 'Enter', '1']) void page.keyboard.press(key);
    await reviewed(window, Object.fromEntries(labels.slice(0, 5).entries()));
  },
);

e2e('what a person said stays when another run labels the images', async (stage) => {
  const window = await openRun(stage);
  const { page, cells } = window;
  await cells.nth(0).click();
  await page.keyboard.press('Enter');
  const [first] = savedResults(window.data, 1);
  await page.keyboard.press('/');
  await page.keyboard.type('barn');
  await page.getByRole('option', { name: say('review.new-label', { label: 'barn' }) }).click();
  await reviewed(window, { 0: first?.label ?? '', 1: 'barn' });

  await window.visit('/new-run', say('new-run.title'));
  await page.getByRole('button', { name: new RegExp(`^${say('preset.accurate')}`) }).click();
  await page.keyboard.press('Control+Enter');
  await window.shows(say('runs.name', { run: 2 }));
  await window.openResults(2);
  await reviewed(window, { 0: first?.label ?? '', 1: 'barn' });
  await cells
    .nth(1)
    .and(page.getByRole('gridcell', { name: /^barn, verified/ }))
    .waitFor();
});

e2e(
  'two windows on one library see what the other says',
  async (stage) => {
    const window = await openRun(stage);
    const other = await window.around.another();
    await other.visit('/runs/1/results', say('runs.name', { run: 1 }));
    await other.hasCells(sampleNames.length);
    const verified = (index: number) =>
      other.cells.nth(index).and(other.page.getByRole('gridcell', { name: /verified/ }));
    await window.cells.nth(2).click();
    await window.page.keyboard.press('Enter');
    await verified(2).waitFor();
    // What one has done, the other can undo.
    await other.page.keyboard.press('ControlOrMeta+z');
    await reviewed(window, {});
    await window.page.getByRole('gridcell', { name: /verified/ }).waitFor({ state: 'detached' });
  },
  { inElectron: false },
);
