import assert from 'node:assert/strict';
import { join } from 'node:path';
import { root } from '../../build/setup.mjs';
import { e2e } from './support/e2e.ts';
import { savedBoxes, savedResults } from './support/library.ts';
import { copySamples, sampleNames } from './support/pictures.ts';
import { say } from './support/say.ts';
import { until } from './support/until.ts';

const MODEL = 'plain-detector';

e2e('a detection model is imported, finds objects, and its boxes are verified', async (stage) => {
  const window = await stage.open();
  const { page } = window;
  await window.addFolder(copySamples(join(stage.folder(), 'samples')));

  await window.visit('/models', say('rail.models'));
  await page.getByRole('button', { name: say('models.import') }).click();
  await page
    .getByRole('textbox', { name: say('import.file') })
    .fill(join(root, 'test/golden/vim-det-plain-random/checkpoint.pth'));
  await page.getByRole('button', { name: say('import.read') }).click();
  await page.getByRole('textbox', { name: say('import.name') }).fill(MODEL);
  await page
    .getByRole('combobox', { name: say('import.halveDirections') })
    .selectOption(say('import.directions-sum'));
  await page.getByRole('button', { name: say('import.import'), exact: true }).click();
  await page.getByRole('row', { name: new RegExp(`${MODEL}.*${say('models.task.detection')}`) }).waitFor();
  await window.photograph('models-detector');

  await window.visit('/new-run', say('new-run.title'));
  await page.getByRole('combobox', { name: say('new-run.model') }).selectOption(MODEL);
  await page.getByText(say('new-run.more'), { exact: true }).click();
  await page.getByRole('spinbutton', { name: say('new-run.input-size') }).fill('192');
  await page.getByRole('spinbutton', { name: say('new-run.max-detections') }).fill('20');
  // Nothing has taught this model: its scores are low.
  await page.getByRole('spinbutton', { name: say('new-run.min-score') }).fill('0');
  await page.getByRole('button', { name: say('new-run.label', { images: sampleNames.length }) }).waitFor();
  await window.photograph('new-run-detector');
  await page.keyboard.press('Control+Enter');
  await window.shows(say('runs.name', { run: 1 }));
  await window.openResults(1);
  await window.hasCells(sampleNames.length);
  assert.ok(savedResults(window.data, 1).every(({ status }) => status === 'ok'));

  await window.visit('/runs/1/results?score=0', say('runs.name', { run: 1 }));
  const [first = ''] = sampleNames;
  const cell = page.getByRole('gridcell', { name: new RegExp(`boxes.*${first}`) });
  await cell.click();
  await page.keyboard.press('Space');
  await page.getByRole('list', { name: say('evaluate.kind.box') }).waitFor();
  await window.photograph('run-detector');
  await page.keyboard.press('Enter');
  const boxes = await until(
    'the boxes that are verified',
    () => savedBoxes(window.data, first),
    (found) => found !== undefined,
  );
  assert.ok(boxes !== undefined && boxes.length > 0 && boxes.length <= 20);
});
