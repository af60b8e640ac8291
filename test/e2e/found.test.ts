import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import type { HumanBox } from '../../electron/shared/api/review.ts';
import type { Box } from '../../electron/shared/engine-api.ts';
import { drawTruth, makeFoundRuns, scenes, WIDTH, writeMaps } from './support/found-pictures.ts';
import { e2e } from './support/e2e.ts';
import { savedBoxes } from './support/library.ts';
import { format, say } from './support/say.ts';
import type { Stage } from './support/stage.ts';
import { until } from './support/until.ts';
import type { WinnowWindow } from './support/window.ts';

const HARBOUR = 'harbour.jpg';

interface Opened {
  window: WinnowWindow;
  data: string;
  folder: string;
}

/** A window with the results of a detection run, or of a segmentation run, over drawn pictures. */
async function openFound(
  stage: Stage,
  task: 'detection' | 'segmentation',
): Promise<Opened & { run: number }> {
  const data = stage.folder();
  const folder = join(stage.folder(), 'drawings');
  const run = (await makeFoundRuns(data, folder))[task];
  const window = await stage.open({ data });
  await showResults(window, run);
  return { window, data, folder, run };
}

async function showResults(window: WinnowWindow, run: number): Promise<void> {
  await window.visit(`/runs/${run}/results`, say('runs.name', { run }));
  await window.hasCells(scenes.length);
}

/** Shows an image large, with what was found in it. */
async function openImage({ page, cells }: WinnowWindow, name: string): Promise<void> {
  await cells.and(page.getByRole('gridcell', { name })).click();
  await page.getByRole('region', { name: say('boxes.name') }).waitFor({ state: 'detached' });
  await page.keyboard.press('Space');
  await page.getByRole('region', { name: say('boxes.name') }).waitFor();
}

/** The list of boxes of the large image, one button each. */
const listed = ({ page }: WinnowWindow): Locator =>
  page.getByRole('list', { name: say('evaluate.kind.box') }).getByRole('button');

/** Waits until the list of boxes says this, in its order. */
async function lists(window: WinnowWindow, expected: RegExp[]): Promise<void> {
  await until(
    `the boxes ${String(expected)}`,
    async () => (await listed(window).allTextContents()).map((text) => text.replaceAll(/\s+/g, ' ').trim()),
    (found) =>
      found.length === expected.length && expected.every((text, index) => text.test(found[index] ?? '')),
  );
}

const box = ({ x, y, width, height }: Box): Box => ({ x, y, width, height });

/** Waits until the library has so many boxes of the image and they pass; gives them. */
function saved(data: string, name: string, passes: (boxes: HumanBox[]) => boolean): Promise<HumanBox[]> {
  return until('the boxes in the library', () => savedBoxes(data, name) ?? [], passes);
}

/** Where a point of the picture is on the screen. */
async function onScreen({ page }: WinnowWindow, x: number, y: number): Promise<[number, number]> {
  const picture = page
    .getByRole('region', { name: say('image.name'), exact: true })
    .getByRole('img')
    .last();
  const area = await picture.boundingBox();
  assert.ok(area);
  const scale = area.width / WIDTH;
  return [area.x + x * scale, area.y + y * scale];
}

/** Drags from one point of the picture to another. */
async function drag(window: WinnowWindow, from: [number, number], to: [number, number]): Promise<void> {
  const { mouse } = window.page;
  await mouse.move(...(await onScreen(window, ...from)));
  await mouse.down();
  const middle = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2] as const;
  await mouse.move(...(await onScreen(window, ...middle)));
  await mouse.move(...(await onScreen(window, ...to)));
  await mouse.up();
}

/** Types a class into the field for the class of a box, and takes it. */
async function classify({ page }: WinnowWindow, key: 'boxes.class' | 'boxes.class-of-new', name: string) {
  const field = page.getByRole('combobox', { name: say(key), exact: true });
  await field.fill(name);
  await page.getByRole('option', { name, exact: true }).click();
}

function near(found: Box | undefined, wanted: Box): boolean {
  if (found === undefined) return false;
  const sides = ['x', 'y', 'width', 'height'] as const;
  return sides.every((side) => Math.abs(found[side] - wanted[side]) < 1.6);
}

e2e('boxes are seen on thumbnails, filtered by class and score, and in the large image', async (stage) => {
  const { window } = await openFound(stage, 'detection');
  const { page } = window;
  const cell = (name: RegExp) => page.getByRole('gridcell', { name });
  await cell(/^boat, .*3 boxes.*harbour/).waitFor();
  await cell(new RegExp(`^${say('results.nothing-found')}.*empty sea`)).waitFor();

  const filters = page.getByRole('complementary', { name: say('facets.name') });
  await filters.getByRole('button', { name: /^tree 2$/ }).click();
  await window.hasCells(2);
  await filters.getByRole('button', { name: say('facets.clear') }).click();
  await window.hasCells(scenes.length);
  await filters.getByRole('button', { name: say('results.nothing-found') }).click();
  await window.hasCells(1);
  await filters.getByRole('button', { name: say('facets.clear') }).click();
  await window.hasCells(scenes.length);

  await openImage(window, HARBOUR);
  await lists(window, [/boat 96.%/, /boat 88.%/, /bird 71.%/]);
  const score = page
    .getByRole('region', { name: say('boxes.name') })
    .getByRole('slider', { name: say('boxes.score') });
  await score.focus();
  await page.keyboard.press('PageDown');
  await page.keyboard.press('PageDown');
  await lists(window, [/boat/, /boat/, /bird/, /bird 34.%/]);
  await until('the score in the address', () => page.url().includes('score=0.3'));
  await page.getByRole('button', { name: say('boxes.show-class', { label: 'boat' }) }).click();
  await page
    .getByRole('button', { name: say('boxes.show-class', { label: 'boat' }), pressed: false })
    .waitFor();
  await page.keyboard.press('Escape');
  await cell(/^boat, .*4 boxes.*harbour/).waitFor();
  await page.reload();
  await cell(/^boat, .*4 boxes.*harbour/).waitFor();
});

e2e('boxes are moved, resized, named, deleted and drawn, undone, done again and kept', async (stage) => {
  const { window, data, run } = await openFound(stage, 'detection');
  const { page } = window;
  await openImage(window, HARBOUR);
  await lists(window, [/boat 96/, /boat 88/, /bird 71/]);
  await window.hasPictures();
  await window.photograph('found-image');

  // The mouse moves the first boat. It is alone at its middle.
  await drag(window, [250, 420], [290, 440]);
  const moved = await saved(data, HARBOUR, (boxes) => boxes.length === 3);
  const [boat] = moved;
  assert.ok(boat);
  assert.equal(boat.label, 'boat');
  const [, second, third] = moved.map(box);
  await lists(window, [new RegExp(`boat ${say('boxes.yours')}`), /boat 88/, /bird 71/]);
  assert.ok(near(boat, { x: 176, y: 268, width: 228, height: 201 }), JSON.stringify(boat));

  // Its lower right corner.
  await drag(
    window,
    [boat.x + boat.width, boat.y + boat.height],
    [boat.x + boat.width + 30, boat.y + boat.height + 24],
  );
  const wider = { ...box(boat), width: boat.width + 30, height: boat.height + 24 };
  const [resized] = await saved(data, HARBOUR, ([one]) => near(one, wider));
  assert.ok(resized);

  // The keyboard does the same to the next box.
  await listed(window).nth(1).click();
  await listed(window)
    .nth(1)
    .and(page.getByRole('button', { pressed: true }))
    .waitFor();
  await page.keyboard.press('Shift+ArrowLeft');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ControlOrMeta+Shift+ArrowRight');
  await page.keyboard.press('ControlOrMeta+ArrowDown');
  assert.ok(second);
  const nudged = { x: second.x - 10, y: second.y - 1, width: second.width + 10, height: second.height + 1 };
  await saved(data, HARBOUR, ([, two]) => near(two, nudged));

  await classify(window, 'boxes.class', 'hut');
  await saved(data, HARBOUR, ([, two]) => two?.label === 'hut');
  await lists(window, [/boat/, /hut/, /bird/]);

  await listed(window).nth(2).click();
  await page.keyboard.press('Delete');
  await saved(data, HARBOUR, ({ length }) => length === 2);
  await lists(window, [/boat/, /hut/]);

  await page.getByRole('button', { name: say('boxes.add') }).click();
  await page.getByText(say('boxes.draw-hint')).waitFor();
  await drag(window, [500, 80], [380, 150]);
  await classify(window, 'boxes.class-of-new', 'bird');
  const [, , drawn] = await saved(data, HARBOUR, ({ length }) => length === 3);
  assert.ok(near(drawn, { x: 380, y: 80, width: 120, height: 70 }), JSON.stringify(drawn));

  await page.keyboard.press('Escape'); // lets go of the new box
  await page.keyboard.press('b');
  await page.getByText(say('boxes.draw-hint')).waitFor();
  await page.keyboard.press('b');
  await until('the field for the class', () =>
    page
      .getByRole('combobox', { name: say('boxes.class-of-new') })
      .and(page.locator(':focus'))
      .count(),
  );
  await page.keyboard.type('sea gull');
  await page.getByRole('option', { name: say('review.new-label', { label: 'sea gull' }) }).waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  const all = await saved(data, HARBOUR, ({ length }) => length === 4);
  assert.deepEqual(
    all.map(({ label }) => label),
    ['boat', 'hut', 'bird', 'sea gull'],
  );
  await lists(window, [/boat/, /hut/, /bird/, /sea gull/]);

  // Every step comes back: two that were drawn, one deleted, one named, the keys as one or more, two by the mouse.
  await page.keyboard.press('Escape');
  await page.getByRole('heading', { level: 1 }).focus();
  for (const length of [3, 2, 3]) {
    await page.keyboard.press('ControlOrMeta+z');
    await saved(data, HARBOUR, (boxes) => boxes.length === length);
  }
  const boxes = () => savedBoxes(data, HARBOUR);
  assert.deepEqual(boxes()?.map(box)[2], third);
  await page.keyboard.press('ControlOrMeta+z');
  await saved(data, HARBOUR, ([, two]) => two?.label === 'boat');
  let steps = 4;
  for (; boxes() !== undefined; steps++) {
    const text = JSON.stringify(boxes());
    await page.keyboard.press('ControlOrMeta+z');
    await until('an earlier step', () => JSON.stringify(boxes()) !== text);
  }
  await lists(window, [/boat 96/, /boat 88/, /bird 71/]);
  for (; steps > 0; steps--) {
    const text = JSON.stringify(boxes());
    await page.keyboard.press('ControlOrMeta+Shift+z');
    await until('a later step', () => JSON.stringify(boxes()) !== text);
  }
  assert.deepEqual(boxes(), all);
  await lists(window, [/boat/, /hut/, /bird/, /sea gull/]);
  await window.photograph('found-corrected');

  const later = await stage.open({ data });
  await showResults(later, run);
  await later.page.getByRole('gridcell', { name: /4 boxes, verified.*harbour/ }).waitFor();
  await openImage(later, HARBOUR);
  await lists(later, [/boat/, /hut/, /bird/, /sea gull/]);
  await later.page.getByText(say('boxes.own')).waitFor();
  await later.page.getByRole('button', { name: say('boxes.reset') }).click();
  await lists(later, [/boat 96/, /boat 88/, /bird 71/]);
  assert.equal(savedBoxes(data, HARBOUR), undefined);
});

e2e('verifying accepts the boxes that are seen, and those of a person as they are', async (stage) => {
  const { window, data } = await openFound(stage, 'detection');
  const { page } = window;
  const village = 'village.jpg';
  await openImage(window, village);
  await lists(window, [/hut 97/, /hut 86/, /tree 79/, /tree 55/]);
  await page.keyboard.press('Enter');
  const accepted = await saved(data, village, ({ length }) => length === 4);
  assert.deepEqual(
    accepted.map(({ label }) => label),
    ['hut', 'hut', 'tree', 'tree'],
  );
  await page.getByRole('heading', { level: 2, name: village }).waitFor({ state: 'detached' }); // the next one's turn
  await page.keyboard.press('Escape');
  await openImage(window, village);
  await listed(window).nth(3).click();
  await page.keyboard.press('Delete');
  await saved(data, village, ({ length }) => length === 3);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 2, name: village }).waitFor({ state: 'detached' });
  assert.equal(savedBoxes(data, village)?.length, 3);
});

e2e('a class map is seen, its classes named and switched off, its windows told apart', async (stage) => {
  const { window } = await openFound(stage, 'segmentation');
  const { page } = window;
  await page.getByRole('button', { name: /^path 1$/ }).waitFor();
  await openImage(window, 'meadow.jpg');
  const found = page.getByRole('region', { name: say('boxes.name') });
  for (const label of ['sky', 'meadow', 'hills', 'path'])
    await found.getByRole('listitem').filter({ hasText: label }).waitFor();
  const sky = found.getByRole('listitem').filter({ hasText: 'sky' });
  assert.match((await sky.textContent()) ?? '', /4\d.%/);
  await window.hasPictures();

  // The class under the mouse has its name in the corner.
  const named = (name: string) =>
    page.locator('p[aria-hidden=true]').and(page.getByText(name, { exact: true }));
  await until('the name of the sky', async () => {
    await page.mouse.move(...(await onScreen(window, 700, 20)));
    return (await named('sky').count()) > 0;
  });
  await page.mouse.move(...(await onScreen(window, 40, 580)));
  await named('meadow').waitFor();
  await window.photograph('map-image');

  await page.getByRole('button', { name: say('boxes.show-class', { label: 'sky' }) }).click();
  await page
    .getByRole('button', { name: say('boxes.show-class', { label: 'sky' }), pressed: false })
    .waitFor();
  await page.keyboard.press('g');
  await window.says(/after stage 1/);
  const choice = page.getByRole('combobox', { name: say('image.window'), exact: true });
  await choice.selectOption({ label: say('image.window-number', { number: 2 }) });
  await window.says(/of 16 scans ran/);
  await choice.selectOption({ label: say('image.all-windows', { windows: '2' }) });
  await window.says(/of 32 scans ran/);
});

e2e('detections are exported and measured against what was drawn', async (stage) => {
  const { window, run } = await openFound(stage, 'detection');
  const { page } = window;
  const truth = join(stage.folder(), 'truth.json');
  writeFileSync(truth, await drawTruth());
  await page.getByRole('link', { name: say('results.evaluate') }).click();
  await window.shows(say('evaluate.title', { run }));
  await page.getByRole('textbox', { name: say('evaluate.truth.detection') }).fill(truth);
  await page.getByRole('button', { name: say('evaluate.compare') }).click();
  await page.getByRole('heading', { name: say('evaluate.precision') }).waitFor();
  const row = page.getByRole('row', { name: new RegExp(`^${say('evaluate.kind.box')}`) });
  assert.match((await row.textContent()) ?? '', new RegExp(format.share(1)));
  await window.photograph('found-evaluate');

  await window.visit(`/runs/${run}/export`, say('export.title', { run }));
  await page.getByRole('radio', { name: say('export.kind.coco') }).check();
  const out = join(stage.folder(), 'found.json');
  await window.nameFile(out);
  await page.getByRole('button', { name: say('export.action.coco', { count: scenes.length }) }).click();
  const written = { count: scenes.length, path: out, found: 10 };
  await window.says(say('export.written-found', written));
  const { annotations } = JSON.parse(readFileSync(out, 'utf8')) as { annotations: unknown[] };
  assert.equal(annotations.length, 10);
});

e2e('class maps are measured against what was drawn', async (stage) => {
  const { window, run } = await openFound(stage, 'segmentation');
  const { page } = window;
  const truth = join(stage.folder(), 'maps');
  await writeMaps(truth);
  await window.visit(`/runs/${run}/evaluate`, say('evaluate.title', { run }));
  const field = page.getByRole('textbox', { name: say('evaluate.truth.segmentation') });
  await field.fill(join(truth, 'nowhere'));
  await page.getByRole('button', { name: say('evaluate.compare') }).click();
  await page.getByRole('alert').waitFor();
  await field.fill(truth);
  await page.getByRole('button', { name: say('evaluate.compare') }).click();
  await page.getByRole('row', { name: /^meadow 100.%/ }).waitFor();
  await window.says(say('evaluate.mean-iou'));
  await page.getByRole('alert').waitFor({ state: 'detached' });
});
