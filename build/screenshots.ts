/**
 * npm run screenshots: draws docs/screenshots/*.png anew, the views in light and dark at 1280 x 800, over a library of
 * pictures that are drawn from the samples; and how a model is fetched, from a stand-in for its host. `-- --get-model`: only
 * that. Needs Chromium.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { closeBrowser, withoutBrowser } from '../test/e2e/support/browser.ts';
import { getModel, hostThatStops, runModel } from '../test/e2e/support/get-model-steps.ts';
import { say } from '../test/e2e/support/say.ts';
import { makeShowcase } from '../test/e2e/support/showcase.ts';
import { Stage } from '../test/e2e/support/stage.ts';
import { views } from '../test/e2e/support/views.ts';
import type { WinnowWindow } from '../test/e2e/support/window.ts';
import { root } from './setup.mjs';

const COLOURS = 160;
const target = path.join(root, 'docs/screenshots');
/** Views that readers of the documentation need no picture of. */
const leftOut = [
  'get-model',
  'folder-dialog',
  'confirm',
  'problems',
  'export-copy',
  'import',
  'keys',
  'precision',
];
/** Its path is on the pictures, so it is a readable one. */
const work = path.join(os.tmpdir(), 'winnow');

async function photographViews(stage: Stage): Promise<void> {
  const first = await stage.open({ data: path.join(work, 'first start') });
  await first.says(/everyday10/); // the last that is there
  await first.photograph('welcome', target);
  const [data, folder] = [path.join(work, 'library'), path.join(work, 'Field pictures')];
  await makeShowcase(data, folder);
  const window = await stage.open({ data });
  for (const { name, open, close } of views.filter((view) => !leftOut.includes(view.name))) {
    await open(window, folder);
    await window.photograph(name, target);
    await close?.(window);
  }
  await photographLabels(window, folder);
  await photographFindFirst(window);
}

/** A table of another tool that is looked at before it is taken in. */
async function photographLabels(window: WinnowWindow, folder: string): Promise<void> {
  const { page } = window;
  const file = path.join(work, 'survey.csv');
  const pictures = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const rows = pictures.flatMap((name) => {
    const [animal = ''] = name.split(path.sep);
    return ['bird', 'cat', 'deer'].includes(animal) && name.endsWith('.jpg')
      ? `D:\\Survey\\${name.replaceAll('/', '\\')},${animal},0.9`
      : [];
  });
  fs.writeFileSync(file, ['File,Species,Confidence', ...rows].join('\r\n'));
  await window.visit('/labels?folder=1', say('labels.title'));
  await page.getByRole('textbox', { name: say('labels.file') }).fill(file);
  await page.getByRole('textbox', { name: say('labels.tool') }).fill('Survey');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('heading', { name: say('facets.classes') }).waitFor();
  await window.photograph('labels', target);
}

/** The boxes of a run, which a classifier is to label. */
async function photographFindFirst(window: WinnowWindow): Promise<void> {
  const { page } = window;
  await window.visit('/new-run?folders=2&model=everyday10', say('new-run.title'));
  await page.getByRole('checkbox', { name: say('find-first.name') }).check();
  await page.getByRole('slider', { name: say('dial.name') }).waitFor();
  await window.photograph('find-first', target);
}

/** From the first start over a model that is fetched to a table of photographs. Its weights are random: so are the labels. */
async function photographGetModel(stage: Stage): Promise<void> {
  const cleanups: (() => unknown)[] = [];
  const photographs = path.join(work, 'Photographs');
  fs.cpSync(path.join(root, 'resources/samples/everyday'), photographs, { recursive: true });
  try {
    const after = (cleanup: () => unknown) => void cleanups.push(cleanup);
    const { host, goOn } = await hostThatStops({ after }, path.join(work, 'host'));
    process.env['WINNOW_MODEL_MIRROR'] = host.address;
    const window = await stage.open({ data: path.join(work, 'model to get') });
    const photograph = (name: string) => window.photograph(name, target);
    await getModel(window, goOn, photograph);
    await runModel(window, photographs, photograph);
    await window.visit('/runs/1/export', say('export.title', { run: 1 }));
    await window.nameFile(path.join(work, 'photographs.csv'));
    await window.page.getByRole('table').first().waitFor();
    await photograph('get-model-export');
  } finally {
    for (const cleanup of cleanups) await cleanup();
  }
}

/** Reduces a picture to a palette, which its few colours hardly miss. */
async function compress(file: string): Promise<void> {
  const small = await sharp(file)
    .png({ palette: true, colours: COLOURS, effort: 10, compressionLevel: 9 })
    .toBuffer();
  fs.writeFileSync(file, small);
}

async function main(): Promise<void> {
  if (withoutBrowser !== false) throw new Error(`No pictures: ${withoutBrowser}`);
  const isAll = !process.argv.includes('--get-model');
  for (const folder of isAll ? [target, work] : [work]) fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(path.join(work, 'library'), { recursive: true });
  process.env['HOME'] = work; // where exports go at first
  const stage = new Stage();
  try {
    if (isAll) await photographViews(stage);
    await photographGetModel(stage);
  } finally {
    await stage.clear();
    await closeBrowser();
    fs.rmSync(work, { recursive: true, force: true });
  }
  const files = fs.readdirSync(target).map((name) => path.join(target, name));
  const isNew = (file: string) => isAll || path.basename(file).startsWith('get-model');
  for (const file of files.filter(isNew)) await compress(file);
  const bytes = files.reduce((sum, file) => sum + fs.statSync(file).size, 0);
  console.log(`${files.length} pictures in docs/screenshots, ${Math.round(bytes / 1000)} kB`);
}

await main();
