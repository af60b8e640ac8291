/**
 * npm run screenshots: draws docs/screenshots/*.png anew, the views in light and dark at 1280 x 800, over a library of
 * pictures that are drawn from the samples. Needs Chromium.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { closeBrowser, withoutBrowser } from '../test/e2e/support/browser.ts';
import { makeShowcase } from '../test/e2e/support/showcase.ts';
import { Stage } from '../test/e2e/support/stage.ts';
import { views } from '../test/e2e/support/views.ts';
import { root } from './setup.mjs';

const COLOURS = 160;
const target = path.join(root, 'docs/screenshots');
/** Views that readers of the documentation need no picture of. */
const leftOut = ['folder-dialog', 'confirm', 'problems', 'export-copy', 'import', 'keys', 'precision'];
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
  for (const folder of [target, work]) fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(path.join(work, 'library'), { recursive: true });
  process.env['HOME'] = work; // where exports go at first
  const stage = new Stage();
  try {
    await photographViews(stage);
  } finally {
    await stage.clear();
    await closeBrowser();
    fs.rmSync(work, { recursive: true, force: true });
  }
  const files = fs.readdirSync(target).map((name) => path.join(target, name));
  for (const file of files) await compress(file);
  const bytes = files.reduce((sum, file) => sum + fs.statSync(file).size, 0);
  console.log(`${files.length} pictures in docs/screenshots, ${Math.round(bytes / 1000)} kB`);
}

await main();
