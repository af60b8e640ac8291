import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { root } from '../../build/setup.mjs';
import { setVariables } from '../electron/support/environment.ts';
import { violations } from './support/accessibility.ts';
import { winnow } from '../electron/support/command-line.ts';
import { sharedData } from '../electron/support/files.ts';
import { e2e } from './support/e2e.ts';
import { FETCHED, getModel, hostThatStops, runModel } from './support/get-model-steps.ts';
import { hasFocus } from './support/keyboard.ts';
import { speakGerman } from './support/prepare.ts';
import { say } from './support/say.ts';
import { until } from './support/until.ts';

const CHECKPOINT = join(root, 'test/golden/dyvm-vim-odd-random/checkpoint.pth');

/** Photographs where there are any beside the repository; else the samples, which are drawn. */
function photographsIn(folder: string): string {
  const shared = sharedData('photos');
  const source = shared.skip === false ? shared.path : join(root, 'resources/samples/everyday');
  for (const name of readdirSync(source).slice(0, 12)) copyFileSync(join(source, name), join(folder, name));
  return folder;
}

e2e('from the first start over a model that is fetched to a CSV of photographs', async (stage, t) => {
  const { host, goOn } = await hostThatStops(t, stage.folder());
  setVariables(t, { WINNOW_MODEL_MIRROR: host.address });
  const window = await stage.open();
  const { page } = window;
  const found: string[] = [];
  await getModel(window, goOn, async (name) => {
    await window.photograph(name);
    await window.inBothThemes(async () => void found.push(...(await violations(page))));
  });
  assert.deepEqual(found, []);
  assert.match(host.heard.at(-1)?.range ?? '', /^bytes=\d+-$/);
  const photographs = photographsIn(stage.folder());
  await runModel(window, photographs, (name) => window.photograph(name));
  await window.visit('/runs/1/export', say('export.title', { run: 1 }));
  const file = join(stage.folder(), 'photographs.csv');
  const count = readdirSync(photographs).length;
  await window.nameFile(file);
  await page.getByRole('button', { name: say('export.action.csv', { count }) }).click();
  await window.says(say('export.written', { count, path: file }));
  const rows = parse<Record<string, string>>(readFileSync(file), { columns: true });
  assert.equal(rows.length, count);
  const labels = readFileSync(join(root, 'resources/labels', FETCHED.import.labels), 'utf8');
  for (const { status, label = '' } of rows) {
    assert.equal(status, 'ok');
    assert.ok(labels.includes(`\t${label}\n`), label);
  }
  await window.visit(`/models?model=${FETCHED.name}`, say('rail.models'));
  await window.says(FETCHED.published.citation);
});

e2e(
  'a file that somebody brought is known by its name, in German too',
  async (stage, t) => {
    const folder = stage.folder();
    const { content } = await hostThatStops(t, stage.folder());
    const file = join(folder, FETCHED.file.name ?? '');
    writeFileSync(file, content);
    const data = stage.folder();
    speakGerman(data);
    const window = await stage.open({ data, viewport: { width: 1024, height: 720 } });
    const { page } = window;
    await window.visit('/models/get', 'Modell holen');
    await page.locator('[data-row="dyvm-vim-b"]').click();
    await window.photograph('get-model-german');
    await page.keyboard.press('f');
    await page.getByRole('textbox', { name: 'Checkpoint' }).fill(file);
    await page.keyboard.press('Enter');
    await window.says('Das ist Vim-T aus dem Katalog; mehr ist nicht anzugeben.');
    await window.photograph('get-model-brought-german');
    await page.getByRole('button', { name: 'Importieren', exact: true }).click();
    await window.shows('Modelle');
    await window.says(FETCHED.published.page);
    // As what is dropped on the desktop's window leads there.
    await window.visit(`/models/get?file=${encodeURIComponent(file)}`, 'Modell holen');
    await window.says('Das ist Vim-T aus dem Katalog; mehr ist nicht anzugeben.');
  },
  { inElectron: false },
);

e2e(
  'a package that another computer exported is taken in by keys, and refused the second time',
  async (stage) => {
    const [here, there, stick] = [stage.folder(), stage.folder(), stage.folder()];
    for (const args of [
      ['import', CHECKPOINT, '--name', 'brought', '--token-keep', '0.7', '--pruning-layers', '1,2,4'],
      ['export', 'brought', '--to', stick],
    ]) {
      const { code, stderr } = await winnow(there, 'models', ...args);
      assert.equal(code, 0, stderr);
    }
    const window = await stage.open({ data: here });
    const { page } = window;
    const bring = async () => {
      await window.visit('/models/get', say('get-model.title'));
      await page.keyboard.press('f');
      const field = page.getByRole('textbox', { name: say('import.file') });
      await until(
        'the focus',
        () => hasFocus(field),
        (isThere) => isThere,
      );
      await page.keyboard.type(join(stick, 'brought.safetensors'));
      await page.keyboard.press('Enter');
    };
    await bring();
    await window.shows(say('rail.models'));
    await page.getByRole('heading', { name: 'brought' }).waitFor();
    assert.ok(existsSync(join(here, 'models/brought.safetensors')));
    await bring();
    await window.says(/There is a model brought already/);
  },
  { inElectron: false },
);
