import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { catalogueModel } from '../../../electron/core/catalogue/read-catalogue.ts';
import { etagOf, ModelHost } from '../../electron/support/model-host.ts';
import {
  PUBLISHED_FILES,
  randomBlock,
  writePublished,
} from '../../electron/support/published-checkpoints.ts';
import { say } from './say.ts';
import { PATIENCE_MS } from './until.ts';
import type { WinnowWindow } from './window.ts';

/** The model that is fetched: the smallest of the catalogue, at its full size, with random weights. */
export const FETCHED = catalogueModel('vim-t');

/** A stand-in for the hosts of models that has the file of FETCHED, and stops in its middle until `goOn`. */
export async function hostThatStops(
  t: Parameters<typeof ModelHost.start>[0],
  folder: string,
): Promise<{ host: ModelHost; content: Buffer; goOn: () => void }> {
  const host = await ModelHost.start(t);
  const path = join(folder, 'published.pth');
  const file = PUBLISHED_FILES[FETCHED.name];
  if (file === undefined) throw new Error(`What ${FETCHED.name} is made of is not known`);
  mkdirSync(folder, { recursive: true });
  writePublished(path, file, { block: randomBlock() });
  const content = readFileSync(path);
  host.put(FETCHED, content);
  host.misbehave = ({ url }, response, asked) => {
    if (url?.startsWith('/cdn/') !== true || !asked) return false;
    response.writeHead(200, { 'content-length': asked.length, etag: `"${etagOf(asked)}"` });
    response.write(asked.subarray(0, Math.floor(asked.length / 2))); // the rest does not come
    return true;
  };
  return { host, content, goOn: () => (host.misbehave = undefined) };
}

/**
 * From the first start to a model that is here, by keys: Get a model, a look at one, half of it, a pause, the rest.
 * `photograph` draws the window at each step.
 */
export async function getModel(
  window: WinnowWindow,
  goOn: () => void,
  photograph: (name: string) => Promise<void>,
): Promise<void> {
  const { page } = window;
  await page.getByRole('heading', { name: say('welcome.title') }).waitFor();
  await page.getByRole('link', { name: say('get-model.title') }).click();
  await window.shows(say('get-model.title'));
  const row = page.locator(`[data-row="${FETCHED.name}"]`);
  await row.waitFor();
  await row.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: say('get-model.get', { name: FETCHED.title }) }).waitFor();
  await photograph('get-model');
  await page.keyboard.press('g');
  const pause = page.getByRole('button', { name: say('get-model.pause') });
  await page.getByRole('progressbar', { name: say('get-model.progress') }).waitFor();
  await window.says(/29\sMB of 57\sMB/); // half of it
  await pause.click();
  await window.says(new RegExp(say('get-model.phase.paused')));
  await photograph('get-model-paused');
  goOn();
  await page.getByRole('button', { name: say('get-model.go-on', { name: FETCHED.title }) }).click();
  const here = page.getByText(say('get-model.is-here', { name: FETCHED.name }));
  await here.waitFor({ timeout: 2 * PATIENCE_MS }); // 28 MB of weights are checked and written
  await photograph('get-model-here');
}

/** Runs the model that was fetched over a folder, to its results. */
export async function runModel(
  window: WinnowWindow,
  folder: string,
  photograph: (name: string) => Promise<void>,
): Promise<void> {
  const { page } = window;
  await window.visit('/library', say('rail.library'));
  await window.addFolder(folder);
  await window.visit(`/models/get?model=${FETCHED.name}`, say('get-model.title'));
  await page.getByRole('link', { name: say('get-model.run') }).click();
  await window.shows(say('new-run.title'));
  await page.getByRole('button', { name: /^Label / }).waitFor();
  await photograph('get-model-run');
  await page.keyboard.press('Control+Enter');
  await window.openResults(1);
  await window.cells.first().waitFor();
  await photograph('get-model-results');
}
