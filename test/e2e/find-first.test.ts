import assert from 'node:assert/strict';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../build/setup.mjs';
import { sampleImages } from '../electron/support/models.ts';
import { winnow } from '../electron/support/command-line.ts';
import { e2e } from './support/e2e.ts';
import { hasValue, tabTo, typeInto } from './support/keyboard.ts';
import { savedResults } from './support/library.ts';
import { sampleNames } from './support/pictures.ts';
import { speakGerman } from './support/prepare.ts';
import type { Stage } from './support/stage.ts';
import { say, sayGerman } from './support/say.ts';

const WIDTHS = [1024, 1440];
const CHECKPOINT = join(root, 'test/golden/vim-det-plain-random/checkpoint.pth');
const NAME = 'plain-detector';

/** A few pictures, and a data folder with a detection model that nobody has taught anything. */
async function prepare(stage: Stage): Promise<{ data: string; folder: string }> {
  const data = stage.folder();
  const folder = join(stage.folder(), 'samples');
  mkdirSync(folder);
  for (const name of sampleNames.slice(0, 4)) cpSync(join(sampleImages, name), join(folder, name));
  const { code, stderr } = await winnow(
    data,
    ...['models', 'import', CHECKPOINT, '--name', NAME, '--directions', 'summed'],
  );
  assert.equal(code, 0, stderr);
  return { data, folder };
}

e2e('a run finds first: chosen by a key, and both labels stand at a box', async (stage) => {
  const { data, folder } = await prepare(stage);
  const window = await stage.open({ data });
  const { page } = window;
  await window.addFolder(folder);

  await window.visit('/new-run', say('new-run.title'));
  await page.getByRole('combobox', { name: say('new-run.model') }).selectOption('everyday10');
  const box = page.getByRole('checkbox', { name: say('find-first.name') });
  await box.waitFor();
  assert.equal(await box.isChecked(), false);
  await page.getByRole('heading', { name: say('new-run.title') }).click();
  await page.keyboard.press('f');
  assert.equal(await box.isChecked(), true);
  await page.getByRole('combobox', { name: say('find-first.with') }).selectOption(NAME);
  const how = page.getByRole('combobox', { name: say('find-first.preset') });
  await hasValue(how, 'accurate'); // Balanced is that, of a model that drops nothing and was not measured
  await tabTo(page, how);
  await page.keyboard.press('Home');
  await hasValue(how, 'fast');
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 800 });
    await window.photograph(`find-first-fast-${width}`);
  }
  await typeInto(page, page.getByRole('spinbutton', { name: say('new-run.input-size') }).first(), '64');
  await page.getByRole('spinbutton', { name: say('find-first.above') }).fill('0.1');
  await page
    .getByRole('combobox', { name: say('find-first.rule') })
    .selectOption(say('find-first.rule-most'));
  await page.getByRole('slider', { name: say('dial.name') }).waitFor();
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 800 });
    await window.photograph(`find-first-${width}`);
  }
  await page.keyboard.press('Control+Enter');
  await window.shows(say('runs.name', { run: 2 }));
  await window.openResults(2);
  const results = savedResults(window.data, 2);
  assert.ok(results.length > 0 && results.every(({ status }) => status === 'ok'));
  assert.match((await winnow(data, 'show', '1')).stdout, /preset +custom .*pictures at 64 pixels/);
  await window.hasCells(results.length);

  await window.cells.first().click();
  await page.keyboard.press('Space');
  const caption = page.getByRole('list', { name: say('evaluate.kind.box') }).locator('.both');
  await caption.first().waitFor();
  assert.match(await caption.first().innerText(), /^.+ \d+\s?%, .+ \d+\s?%$/);
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 800 });
    await window.photograph(`find-first-image-${width}`);
  }
});

e2e('a run that finds first, in German', async (stage) => {
  const { data, folder } = await prepare(stage);
  const { code, stderr } = await winnow(data, 'run', folder, '--model', 'everyday10', '--find', NAME);
  assert.equal(code, 0, stderr);
  speakGerman(data);
  const window = await stage.open({ data });
  const { page } = window;
  await window.visit('/new-run?model=everyday10', sayGerman('new-run.title'));
  const box = page.getByRole('checkbox', { name: sayGerman('find-first.name') });
  await box.check();
  await page
    .getByRole('option', { name: sayGerman('find-first.run', { run: 1, model: NAME }) })
    .waitFor({ state: 'attached' });
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 800 });
    await window.photograph(`find-first-german-${width}`);
  }
  await window.visit('/runs/2', sayGerman('runs.name', { run: 2 }));
  await window.says(sayGerman('run.find-first', { model: 'everyday10', finder: NAME }));
  await window.photograph('find-first-german-run');
});
