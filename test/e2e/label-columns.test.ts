import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { violations } from './support/accessibility.ts';
import { e2e } from './support/e2e.ts';
import { hasValue, tabTo, typeInto } from './support/keyboard.ts';
import { foundOf, savedResults } from './support/library.ts';
import { copySamples } from './support/pictures.ts';
import { label, speakGerman } from './support/prepare.ts';
import { say, sayGerman } from './support/say.ts';
import type { Stage } from './support/stage.ts';

const WIDTHS = [1024, 1440];

/** A library of pictures in one folder, and a table about two of them whose columns nothing can be told by. */
async function prepare(stage: Stage) {
  const data = stage.folder();
  const pictures = copySamples(join(stage.folder(), 'samples'));
  await label(data, pictures, 'balanced');
  const [first = '', second = ''] = savedResults(data, 1).map(({ path }) => path);
  const file = join(data, 'tabelle.csv');
  const rows = ['Bild;Art;Punkte;l;o;r;u', `${first};Fuchs;0,9;2;3;12;13`, `${second};Reh;0,2;1;1;9;9`];
  writeFileSync(file, rows.join('\r\n'));
  return { data, file, first, pictures };
}

/** Chooses an option of a list by its first letters, as somebody without a mouse does. */
async function choose(page: Page, list: string, option: string): Promise<void> {
  const field = page.getByRole('combobox', { name: list, exact: true });
  await tabTo(page, field);
  await page.keyboard.type(option);
  await hasValue(field, option);
}

e2e('the columns of a table and the smallest score of its boxes are chosen by keys', async (stage) => {
  const { data, file, first, pictures } = await prepare(stage);
  const window = await stage.open({ data });
  const { page } = window;
  await window.visit('/labels', say('labels.title'));
  await hasValue(page.getByRole('combobox', { name: say('labels.folder') }), pictures); // the only one there is
  await typeInto(page, page.getByRole('textbox', { name: say('labels.file') }), file);
  await page.keyboard.press('Tab');
  await page.getByText(say('labels.column.needed')).waitFor();
  await typeInto(page, page.getByRole('textbox', { name: say('labels.tool') }), 'Other');
  const look = page.getByRole('button', { name: say('labels.inspect') });
  assert.equal(await look.isDisabled(), true);

  const fileColumn = say('labels.column.file');
  await page.getByRole('heading', { level: 1 }).click();
  await choose(page, fileColumn, 'Bild');
  await choose(page, say('labels.column.label'), 'Art');
  await choose(page, say('labels.column.score'), 'Punkte');
  await choose(page, say('labels.column.left'), 'l');
  await page.getByText(say('labels.column.part')).waitFor();
  assert.equal(await look.isDisabled(), true);
  await choose(page, say('labels.column.top'), 'o');
  await choose(page, say('labels.column.width'), 'r');
  await choose(page, say('labels.column.height'), 'u');
  await tabTo(page, page.getByRole('checkbox', { name: say('labels.column.corners') }));
  await page.keyboard.press('Space');
  await page.getByRole('combobox', { name: say('labels.column.right') }).waitFor();
  await typeInto(page, page.getByRole('spinbutton', { name: say('labels.min-score') }), '0.5');
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    await window.photograph(`label-columns-${width}`);
  }
  assert.deepEqual(await violations(page), []);
  await page.setViewportSize({ width: 1024, height: 640 });
  await page.keyboard.press('Control+Enter');
  await page.getByText(say('labels.skip.belowScore', { count: 1 })).waitFor();
  const figure = await page.getByText(say('labels.comes-in')).boundingBox();
  assert.ok(figure && figure.y > 0 && figure.y < 600, `what was found stands at ${figure?.y}`);
  await page.keyboard.press('Control+Enter');
  await page
    .getByText(say('labels.done-run', { run: 2, tool: 'Other', count: 2 }))
    .first()
    .waitFor();
  assert.deepEqual(
    savedResults(data, 2)
      .map(({ path, label: shown }) => [path, shown])
      .filter(([, shown]) => shown !== undefined),
    [[first, 'Fuchs']],
  );
});

e2e('the columns of a table, in German', async (stage) => {
  const { data, file, first, pictures } = await prepare(stage);
  speakGerman(data);
  const window = await stage.open({ data });
  const { page } = window;
  await window.visit('/labels', sayGerman('labels.title'));
  await hasValue(page.getByRole('combobox', { name: sayGerman('labels.folder') }), pictures);
  await page.getByRole('textbox', { name: sayGerman('labels.file') }).fill(file);
  await page.keyboard.press('Tab');
  await page.getByText(sayGerman('labels.column.needed')).waitFor();
  await page.getByRole('radio', { name: sayGerman('labels.as.reviews') }).check();
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    await window.photograph(`label-columns-german-${width}`);
  }

  // By keys alone: reviews of one person, with one class under another name and the other left out.
  await page.getByRole('heading', { level: 1 }).click();
  await choose(page, sayGerman('labels.column.file'), 'Bild');
  await choose(page, sayGerman('labels.column.label'), 'Art');
  await typeInto(page, page.getByRole('textbox', { name: sayGerman('labels.by') }), 'Ada');
  await page.keyboard.press('Control+Enter');
  const kindOf = (name: string) => page.getByRole('combobox', { name: sayGerman('labels.kind', { name }) });
  await tabTo(page, kindOf('Reh'));
  await page.keyboard.press('End');
  await hasValue(kindOf('Reh'), 'out');
  await typeInto(
    page,
    page.getByRole('textbox', { name: sayGerman('labels.name-here', { name: 'Fuchs' }) }),
    'frog',
  );
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    await window.photograph(`label-classes-german-${width}`);
  }
  await page.keyboard.press('Control+Enter');
  await page
    .getByText(sayGerman('labels.done-reviews', { run: 1, by: 'Ada', count: 1 }))
    .first()
    .waitFor();
  assert.deepEqual(
    savedResults(data, 1).flatMap(({ path, reviewed }) => (reviewed === undefined ? [] : [[path, reviewed]])),
    [[first, 'frog']],
  );
});

e2e('what masks are is chosen by keys, and read anew at once', async (stage) => {
  const data = stage.folder();
  const pictures = copySamples(join(stage.folder(), 'samples'));
  await label(data, pictures, 'balanced');
  const [first = ''] = savedResults(data, 1).map(({ path }) => path);
  const file = join(data, 'stuff.json');
  const ring = (x: number, y: number, size: number) => [x, y, x + size, y, x + size, y + size, x, y + size];
  const annotation = (id: number, segmentation: number[][]) => {
    return { id, image_id: 1, category_id: id, iscrowd: 0, segmentation };
  };
  const coco = {
    images: [{ id: 1, file_name: first, width: 32, height: 32 }],
    categories: ['grass', 'path'].map((name, index) => ({ id: index + 1, name })),
    annotations: [annotation(1, [ring(0, 0, 20)]), annotation(2, [ring(8, 8, 20)])],
  };
  writeFileSync(file, JSON.stringify(coco));
  const window = await stage.open({ data });
  const { page } = window;
  await window.visit('/labels', say('labels.title'));
  await hasValue(page.getByRole('combobox', { name: say('labels.folder') }), pictures);
  await page.getByRole('textbox', { name: say('labels.file') }).fill(file);
  await page.getByRole('textbox', { name: say('labels.tool') }).fill('Stuff');
  await page.keyboard.press('Control+Enter');
  const kinds = page.getByRole('radiogroup', { name: say('labels.masks') });
  const objects = kinds.getByRole('radio', { name: say('labels.masks.detection') });
  const areas = kinds.getByRole('radio', { name: say('labels.masks.segmentation') });
  await objects.waitFor();
  assert.equal(await objects.isChecked(), true);
  await objects.focus();
  await page.keyboard.press('ArrowDown');
  await page.getByRole('button', { name: say('labels.take', { count: 1 }) }).waitFor();
  assert.equal(await areas.isChecked(), true);
  assert.equal(await page.evaluate<string>('document.activeElement.value'), 'segmentation');
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    await window.photograph(`label-masks-${width}`);
  }
  assert.deepEqual(await violations(page), []);
  await page.keyboard.press('Control+Enter');
  await page
    .getByText(say('labels.done-run', { run: 2, tool: 'Stuff', count: 1 }))
    .first()
    .waitFor();
  // Areas, of which the larger one names the image, and no objects.
  assert.equal(savedResults(data, 2).find(({ path }) => path === first)?.label, 'path');
  assert.deepEqual(foundOf(data, 2), { detections: 0, masks: 2 });
});
