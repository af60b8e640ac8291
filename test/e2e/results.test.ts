import assert from 'node:assert/strict';
import { join } from 'node:path';
import { e2e } from './support/e2e.ts';
import { savedResults } from './support/library.ts';
import { copySamples, sampleNames } from './support/pictures.ts';
import { label, speakGerman } from './support/prepare.ts';
import { format, say, sayGerman } from './support/say.ts';
import type { Stage } from './support/stage.ts';
import { until } from './support/until.ts';
import type { WinnowWindow } from './support/window.ts';

const results = say('runs.name', { run: 1 });

/** A library with two runs over the sample pictures; gives its data folder. */
async function makeRuns(stage: Stage): Promise<string> {
  const data = stage.folder();
  await label(data, copySamples(join(stage.folder(), 'samples')), 'balanced', 'accurate');
  return data;
}

async function openRun(stage: Stage): Promise<WinnowWindow> {
  const window = await stage.open({ data: await makeRuns(stage) });
  await window.visit('/runs/1/results', results);
  await window.hasCells(sampleNames.length);
  return window;
}

/** What each image of the grid says in letters that can be seen. */
const seenTexts = ({ page }: WinnowWindow): Promise<string[]> =>
  page.evaluate<string[]>(`[...document.querySelectorAll('[role=gridcell]')].map((cell) =>
    [...cell.querySelectorAll('span')]
      .filter((part) => part.children.length === 0 && part.checkVisibility({ opacityProperty: true }))
      .map((part) => part.textContent).join(' ').trim())`);

e2e('labels and confidences are seen below every image, without pointing at it', async (stage) => {
  const window = await openRun(stage);
  const { page, cells, data } = window;
  const expected = savedResults(data, 1).map(
    ({ label: name = '', confidence = 0 }) => `${name} ${format.share(confidence)}`,
  );
  await page.mouse.move(1, 1);
  for (const size of ['medium', 'large'] as const) {
    await page.getByTitle(say(`results.size.${size}`)).click();
    await page.mouse.move(1, 1);
    await until(
      `the labels of ${size} images`,
      () => seenTexts(window),
      (seen) => seen.length > 4 && seen.every((text, index) => text === expected[index]),
    );
  }
  // Of small images only the one with the cursor or the mouse says its label.
  await page.getByTitle(say('results.size.small')).click();
  await page.mouse.move(1, 1);
  await until('no labels', async () => (await seenTexts(window))[2] === '');
  await cells.nth(2).hover();
  await until('the label', async () => (await seenTexts(window))[2] === expected[2]);
});

e2e('the button for evaluation stays where it is, whatever a filter or a review changes', async (stage) => {
  const window = await openRun(stage);
  const { page, cells } = window;
  const evaluate = page.getByRole('link', { name: say('results.evaluate') });
  const exporting = (count: number) => say('results.export', { count });
  const place = await evaluate.boundingBox();
  assert.ok(place);
  await page.getByRole('link', { name: exporting(sampleNames.length) }).waitFor();

  const search = page.getByRole('searchbox', { name: say('results.search') });
  await search.fill(sampleNames[0] ?? '');
  await page.getByRole('link', { name: exporting(1) }).waitFor();
  assert.deepEqual(await evaluate.boundingBox(), place);
  await search.fill('no such picture');
  await page.getByRole('button', { name: exporting(0), disabled: true }).waitFor();
  assert.deepEqual(await evaluate.boundingBox(), place);
  await search.fill('');
  await window.hasCells(sampleNames.length);

  await cells.first().click();
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: say('results.teach', { count: 1, countText: '1' }) }).waitFor();
  assert.deepEqual(await evaluate.boundingBox(), place);
});

e2e(
  'search, order and size stand in one row in German at 1024 pixels, also beside the details',
  async (stage) => {
    const data = await makeRuns(stage);
    speakGerman(data);
    const window = await stage.open({ data, viewport: { width: 1024, height: 768 } });
    const { page } = window;
    await window.visit('/runs/1/results', sayGerman('runs.name', { run: 1 }));
    const first = page.getByRole('gridcell').first();
    await first.waitFor();
    const toolbar = page.getByRole('toolbar', { name: sayGerman('results.toolbar') });
    const tops = async () => {
      const parts = [
        toolbar.getByRole('searchbox'),
        toolbar.getByRole('combobox', { name: sayGerman('results.sort') }),
        toolbar.getByRole('group', { name: sayGerman('results.size') }),
      ];
      const middles = parts.map(async (part) => {
        const area = await part.boundingBox();
        assert.ok(area && area.width >= 60);
        return Math.round((area.y + area.height / 2) / 4);
      });
      return new Set(await Promise.all(middles)).size;
    };
    assert.equal(await tops(), 1);
    await first.click();
    await page.getByRole('heading', { name: sayGerman('image.receipt') }).waitFor();
    assert.equal(await tops(), 1);
  },
);

e2e(
  'no class is chosen before something is typed or gone to, and own labels have their own heading',
  async (stage) => {
    const window = await openRun(stage);
    const { page, cells, data } = window;
    const field = page.getByRole('combobox', { name: say('review.search') });
    const list = page.getByRole('listbox', { name: say('review.search') });
    const chosen = list.getByRole('option', { selected: true });
    const said = () => savedResults(data, 1).map(({ reviewed }) => reviewed ?? '');
    await cells.first().click();
    await page.keyboard.press('/');
    await page.getByRole('option', { name: 'airplane', exact: true }).waitFor();
    assert.equal(await chosen.count(), 0);
    await page.keyboard.press('Enter');
    await page.keyboard.type('red f');
    await page
      .getByRole('option', { name: say('review.new-label', { label: 'red f' }), selected: true })
      .waitFor();
    await page.keyboard.type('ox');
    await page.keyboard.press('Enter');
    // The Enter before did nothing: the first image has the first label.
    await until(
      'one review',
      said,
      (labels) => labels[0] === 'red fox' && labels.slice(1).every((one) => one === ''),
    );

    await cells.nth(1).click();
    await page.keyboard.press('/');
    const own = page.getByRole('group', { name: say('picker.own') });
    await own.getByRole('option', { name: 'red fox', exact: true }).waitFor();
    assert.equal(await own.getByRole('option').count(), 1);
    await page.keyboard.press('ArrowUp'); // to the last
    await own.getByRole('option', { name: 'red fox', selected: true }).waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('/');
    await field.fill('bi');
    await page.getByRole('option', { name: 'bird', exact: true, selected: true }).waitFor();
    await page.keyboard.press('Enter');
    await until('the second review', said, (labels) => labels[1] === 'bird');
  },
);
