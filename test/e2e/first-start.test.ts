import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { sampleParts, sampleScenes } from '../electron/support/models.ts';
import { savedResults } from './support/library.ts';
import { say } from './support/say.ts';
import { e2e } from './support/e2e.ts';
import { until } from './support/until.ts';
import { readCsv } from '../electron/support/csv.ts';

e2e('from the first start to a CSV of the sample pictures', async (stage) => {
  const window = await stage.open();
  const { page } = window;
  await page.getByRole('heading', { name: say('welcome.title') }).waitFor();
  await window.photograph('welcome');
  await page.getByRole('button', { name: say('welcome.samples') }).click();
  await window.openResults(1);
  await window.cells.first().waitFor();
  const samples = globSync('*/*.jpg', { cwd: sampleParts }).length;
  await page.getByRole('link', { name: say('results.export', { count: samples }) }).click();
  await window.shows(say('export.title', { run: 1 }));
  const file = join(stage.folder(), 'samples.csv');
  await window.nameFile(file);
  await page.getByRole('button', { name: say('export.action.csv', { count: samples }) }).click();
  await window.says(say('export.written', { count: samples, path: file }));

  const rows = readCsv(file);
  const written = rows.map(({ relative_path, status, label, confidence }) => ({
    path: relative_path,
    status,
    label,
    confidence: Number(confidence),
  }));
  const saved = savedResults(window.data, 1).map(({ reviewed, ...result }) => {
    assert.equal(reviewed, undefined);
    return result;
  });
  assert.equal(saved.length, samples);
  assert.deepEqual(written, saved);

  // The scenes are labelled as well, by a model that draws boxes.
  const scenes = globSync('*.jpg', { cwd: sampleScenes }).length;
  await until(
    'the results of the scenes',
    () => savedResults(window.data, 2).filter(({ status }) => status === 'ok').length,
    (done) => done === scenes,
  );
  await window.visit('/runs/2/results', say('runs.name', { run: 2 }));
  await window.hasCells(scenes);
  await window.cells.first().click();
  await page.keyboard.press('Space');
  await page.getByRole('region', { name: say('boxes.name') }).waitFor();
  await window.photograph('sample-scene');
});
