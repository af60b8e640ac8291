import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import type { WinnowWindow } from './support/window.ts';
import { hasFocus, tabTo, typeInto } from './support/keyboard.ts';
import { savedResults } from './support/library.ts';
import { copyPhotos } from './support/pictures.ts';
import { label } from './support/prepare.ts';
import { format, say } from './support/say.ts';
import { e2e } from './support/e2e.ts';
import { until } from './support/until.ts';
import { readCsv } from '../electron/support/csv.ts';

const PHOTOS = 8;

e2e('the keyboard stays in the window when what has it is taken away or disabled', async (stage) => {
  const data = stage.folder();
  await label(data, copyPhotos(join(stage.folder(), 'photos'), 3), 'fast');
  const window = await stage.open({ data });
  const { page } = window;
  const focused = (element: Locator) => until('the focus', () => hasFocus(element));
  await window.visit('/models', say('rail.models'));
  await page.keyboard.press('i');
  await focused(page.getByRole('textbox', { name: say('import.file') }));
  await page.keyboard.press('Escape');
  await focused(page.getByRole('heading', { level: 1 }));

  await window.visit('/runs/1/export', say('export.title', { run: 1 }));
  const file = page.getByRole('textbox', { name: say('export.to-file') });
  await until('a suggested file', () => file.inputValue());
  await typeInto(page, file, join(stage.folder(), 'out.csv'));
  await page.keyboard.press('ControlOrMeta+Enter');
  await window.says(/3 rows/);
  await focused(file);

  await window.visit('/runs/1/results', say('runs.name', { run: 1 }));
  await window.hasCells(3);
  await window.cells.nth(1).click();
  await page.keyboard.press('Space');
  await focused(page.getByRole('region', { name: say('image.name'), exact: true }));
  await page.keyboard.press('Escape');
  await focused(window.cells.nth(1));
});

/** Labels that people gave, in order of paths. */
const reviews = ({ data }: WinnowWindow) => savedResults(data, 1).map(({ reviewed }) => reviewed);

async function reviewed(window: WinnowWindow, expected: (string | undefined)[]): Promise<void> {
  const missing = PHOTOS - expected.length;
  const wanted = [...expected, ...Array.from({ length: missing }, () => undefined)];
  await until(
    `the reviews ${String(wanted)}`,
    () => reviews(window),
    (found) => JSON.stringify(found) === JSON.stringify(wanted),
  );
}

// No call of the mouse in here.
e2e('from an empty library to a corrected CSV by the keyboard alone', async (stage) => {
  const window = await stage.open();
  const { page } = window;
  const press = (key: string) => page.keyboard.press(key);

  await window.addFolder(copyPhotos(join(stage.folder(), 'photos'), PHOTOS));
  await press('n');
  await window.shows(say('new-run.title'));
  await page.getByRole('button', { name: say('new-run.label', { images: PHOTOS }) }).waitFor();
  await press('3');
  await until(
    'Accurate',
    () => page.getByRole('slider').getAttribute('aria-valuetext'),
    (text) => Boolean(text?.startsWith(say('preset.accurate'))),
  );
  await press('Control+Enter');
  await window.shows(say('runs.name', { run: 1 }));
  await window.openResults(1);

  await window.hasCells(PHOTOS);
  const models = savedResults(window.data, 1).map(({ label }) => label);
  await press('j'); // the first image
  await press('Enter');
  await reviewed(window, [models[0]]);
  // It went on to the second: a label that no class has, by typing.
  await until('the second image', () => hasFocus(window.cells.nth(1)));
  await press('/');
  await until('the field of classes', () =>
    hasFocus(page.getByRole('combobox', { name: say('review.search') })),
  );
  await page.keyboard.type('bulbul');
  await page.getByRole('option', { name: say('review.new-label', { label: 'bulbul' }) }).waitFor();
  await press('ArrowDown');
  await press('Enter');
  await reviewed(window, [models[0], 'bulbul']);
  // The third: the second best of the model's classes.
  const third = window.cells.nth(2);
  await until('the third image', () => hasFocus(third));
  await press('2');
  await until('the third review', () => reviews(window)[2]);
  assert.notEqual(reviews(window)[2], models[2]);
  const chosen = [models[0], 'bulbul', reviews(window)[2]];

  await press('ControlOrMeta+z');
  await reviewed(window, chosen.slice(0, 2));
  await press('ControlOrMeta+z');
  await reviewed(window, chosen.slice(0, 1));
  await press('ControlOrMeta+Shift+z');
  await reviewed(window, chosen.slice(0, 2));
  await press('ControlOrMeta+y');
  await reviewed(window, chosen);

  await press('e');
  await window.shows(say('export.title', { run: 1 }));
  const file = join(stage.folder(), 'corrected.csv');
  await page
    .getByRole('button', { name: say('export.action.csv', { count: PHOTOS }), disabled: false })
    .waitFor();
  await typeInto(page, page.getByRole('textbox', { name: say('export.to-file') }), file);
  await press('Control+Enter');
  await window.says(say('export.written', { count: PHOTOS, path: file }));

  assert.ok(existsSync(file));
  const rows = readCsv(file);
  assert.deepEqual(
    rows.map(({ label, verified }) => [label, verified]),
    rows.map((_, index) => [chosen[index] ?? models[index], index < chosen.length ? 'true' : 'false']),
  );
  assert.deepEqual(
    rows.map(({ predicted_label: said }) => said),
    models,
  );
  await tabTo(page, page.getByRole('link', { name: say('export.back') }));
  await press('Enter');
  await window.shows(say('runs.name', { run: 1 }));
  await page
    .getByRole('button', { name: new RegExp(`^${say('facets.status.verified')} ${format.count(3)}$`) })
    .waitFor();
});
