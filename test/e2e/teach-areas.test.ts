import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { TAUGHT_TASKS } from '../../electron/shared/training.ts';
import { violations } from './support/accessibility.ts';
import { importAreas } from './support/drawn-areas.ts';
import { e2e } from './support/e2e.ts';
import { hasFocus, hasValue, tabTo, typeInto } from './support/keyboard.ts';
import { copySamples } from './support/pictures.ts';
import { label, speakGerman } from './support/prepare.ts';
import { say, sayGerman } from './support/say.ts';
import { until } from './support/until.ts';
import type { WinnowWindow } from './support/window.ts';

const SCENES = 12;
const LEARNED = 10; // of them; the others are held out

const startButton = ({ page }: WinnowWindow) =>
  page.getByRole('button', { name: say('teach.start', { images: LEARNED }) });

/** On the form for areas: the least that a window can be, so that learning takes no time. */
async function seeLittle({ page }: WinnowWindow): Promise<void> {
  const more = page.getByText(say('new-run.more'), { exact: true });
  await tabTo(page, more);
  await page.keyboard.press('Enter');
  await typeInto(page, page.getByRole('spinbutton', { name: say('teach.window') }), '32');
}

/** By the key that goes on to the next of the tasks. */
async function chooseAreas(page: Page): Promise<void> {
  for (let press = 0; press < TAUGHT_TASKS.indexOf('segmentation'); press++) await page.keyboard.press('w');
}

e2e('areas of an imported run become a model, by the keyboard alone', async (stage) => {
  const data = stage.folder();
  await importAreas(data, stage.folder(), SCENES);
  const window = await stage.open({ data });
  const { page } = window;
  await window.shows(say('rail.library'));
  await page.keyboard.press('Alt+Digit4');
  await window.shows(say('rail.teach'));
  await page.keyboard.press('t');
  await window.shows(say('teach.title'));
  await chooseAreas(page);
  await page.getByRole('radio', { name: say('teach.task.segmentation'), checked: true }).waitFor();
  assert.equal(await page.getByRole('textbox', { name: say('teach.folder') }).count(), 0);
  assert.equal(await page.getByRole('radio', { name: say('teach.method.head') }).count(), 0);
  await window.says(say('teach.choose-marked'));

  const run = page.getByRole('combobox', { name: say('teach.run-marked.segmentation') });
  await run.getByRole('option', { name: /^Run 1, hand: scenes, 12 images$/ }).waitFor({ state: 'attached' });
  await tabTo(page, run);
  await page.keyboard.press('ArrowDown');
  await hasValue(run, '1');
  await window.says(/scenes\. 24 areas, /);
  await startButton(window).waitFor();
  await window.says(/pictures are smaller than the 192 pixels/);
  const from = page.getByRole('combobox', { name: say('teach.from') });
  await tabTo(page, from);
  await hasValue(from, 'everyday10');
  await typeInto(page, page.getByRole('textbox', { name: say('teach.name') }), 'shapes');
  await typeInto(page, page.getByRole('spinbutton', { name: say('teach.limit.epochs') }), '3');
  await seeLittle(window);
  await window.says(/for 3 epochs on this computer/);
  assert.deepEqual(await violations(page), []);
  await startButton(window).waitFor();
  await page.keyboard.press('ControlOrMeta+Enter');

  await window.shows('shapes');
  await page.getByRole('link', { name: say('training.run', { model: 'shapes' }) }).waitFor();
  await page.getByRole('img', { name: /^mIoU by epoch: on the hold-out/ }).waitFor();
  await page.getByRole('heading', { name: say('training.by-class') }).waitFor();
  const dial = page.getByRole('img', { name: /^mIoU and work by patches kept: keeping 50 %/ });
  await dial.waitFor();
  const confused = page.getByRole('grid', { name: new RegExp(say('training.true-class')) });
  await confused
    .getByRole('button', { name: /^class 1 taken for class \d: \S+ % of its marked pixels/ })
    .first()
    .waitFor();
  await until('the pictures of the hold-out', () =>
    page.evaluate<boolean>(
      `document.images.length >= 2 && [...document.images].every((image) => image.naturalWidth > 0)`,
    ),
  );
  // What each epoch made of the two pictures that are held out, step by step.
  await page.getByRole('heading', { name: say('training.samples') }).waitFor();
  const captions = page.getByRole('figure');
  assert.equal(await captions.count(), 4);
  assert.match((await captions.first().textContent()) ?? '', /^\s*Truth\s+class 1, class [23]/);
  for (const epoch of [3, 2, 1]) {
    await page.getByText(say('training.epoch-of', { epoch, epochs: 3 }), { exact: true }).waitFor();
    assert.match((await captions.last().textContent()) ?? '', new RegExp(`^\\s*Epoch ${epoch}\\s+class`));
    await page.getByRole('heading', { level: 1 }).focus();
    if (epoch > 1) await page.keyboard.press('b');
  }
  assert.deepEqual(await violations(page), []);
  await page.keyboard.press('r');
  await window.shows(say('new-run.title'));
  await hasValue(page.getByRole('combobox', { name: say('new-run.model') }), 'shapes');
  await window.visit('/teach', say('rail.teach'));
  await page.getByRole('cell', { name: /^mIoU \d/ }).waitFor();
  // What was taught so can be taught on, for areas and nothing else.
  await window.visit('/models?model=shapes', say('rail.models'));
  await page.getByRole('link', { name: say('models.teach') }).click();
  await page.getByRole('radio', { name: say('teach.task.segmentation'), checked: true }).waitFor();
  await hasValue(page.getByRole('combobox', { name: say('teach.from') }), 'shapes');
  await page.getByRole('radio', { name: say('teach.task.classification') }).check();
  await page.getByText(say('teach.not-from', { count: 2 })).click();
  await window.says(/needs a classifier, but the model shapes segments pictures/);
});

e2e('a training on areas begins at its run, is paused, and goes on', async (stage) => {
  const data = stage.folder();
  await importAreas(data, stage.folder(), SCENES);
  const window = await stage.open({ data });
  const { page } = window;
  await window.visit('/runs/1', say('runs.name', { run: 1 }));
  await page.getByRole('link', { name: say('run.teach') }).click();
  await window.shows(say('teach.title'));
  await page.getByRole('radio', { name: say('teach.task.segmentation'), checked: true }).waitFor();
  await hasValue(page.getByRole('combobox', { name: say('teach.run-marked.segmentation') }), '1');
  await page.getByRole('radio', { name: say('teach.method.scratch') }).check();
  await page.getByRole('spinbutton', { name: say('teach.limit.epochs') }).fill('5000');
  await startButton(window).click();
  await window.shows('run-1-scratch');
  await window.says(say('training.best'));
  await page.keyboard.press('p');
  await window.says(say('training.paused-hint'));
  await page.getByText(/^Figures of every epoch/).click();
  await page.getByRole('columnheader', { name: 'mIoU, hold-out' }).waitFor();
  await page.getByRole('heading', { level: 1 }).focus();
  await page.keyboard.press('p');
  await page.getByRole('button', { name: say('run.pause') }).waitFor();
  await page.keyboard.press('p');
  await window.says(say('training.paused-hint'));
});

e2e('where no run has areas, the form says how to come by them, in both languages', async (stage) => {
  const data = stage.folder();
  await label(data, copySamples(join(stage.folder(), 'samples')), 'balanced');
  speakGerman(data);
  const window = await stage.open({ data });
  const { page } = window;
  await window.visit('/teach/new', sayGerman('teach.title'));
  await chooseAreas(page);
  await window.says(sayGerman('teach.no-run.segmentation'));
  const run = page.getByRole('combobox', { name: sayGerman('teach.run-marked.segmentation') });
  assert.ok(await run.isDisabled());
  const link = page.getByRole('link', { name: sayGerman('labels.open') });
  await tabTo(page, link);
  assert.ok(await hasFocus(link));
  assert.deepEqual(await violations(page), []);
});
