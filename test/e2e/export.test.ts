import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import readXlsxFile from 'read-excel-file/node';
import { tabTo } from './support/keyboard.ts';
import { savedResults } from './support/library.ts';
import { copyMany, copySamples, sampleNames } from './support/pictures.ts';
import { label } from './support/prepare.ts';
import { say } from './support/say.ts';
import { e2e } from './support/e2e.ts';
import type { Stage } from './support/stage.ts';
import { until } from './support/until.ts';
import type { WinnowWindow } from './support/window.ts';
import { readCsv } from '../electron/support/csv.ts';
import { interruptSort } from '../electron/support/interrupted-sort.ts';

const samples = sampleNames.length;

/** A window at the export of a run over the sample pictures, two of which are verified. */
async function openExport(stage: Stage): Promise<{ window: WinnowWindow; pictures: string }> {
  const data = stage.folder();
  const pictures = copySamples(join(stage.folder(), 'samples'));
  await label(data, pictures, 'balanced');
  const window = await stage.open({ data });
  await window.visit('/runs/1/results', say('runs.name', { run: 1 }));
  await window.hasCells(samples);
  await window.cells.nth(0).click();
  for (const press of [1, 2]) {
    await window.page.keyboard.press('Enter');
    await until(
      'the review',
      () => savedResults(data, 1).filter(({ reviewed }) => reviewed).length === press,
    );
    await window.cells.nth(press).and(window.page.locator(':focus')).waitFor();
  }
  await window.page.keyboard.press('e');
  await window.shows(say('export.title', { run: 1 }));
  return { window, pictures };
}

type Kind = 'csv' | 'json' | 'xlsx';

/** Chooses what and as what, and writes the file. */
async function write(
  window: WinnowWindow,
  kind: Kind,
  scope: 'all' | 'verified',
  file: string,
): Promise<void> {
  const { page } = window;
  const count = { count: scope === 'all' ? samples : 2 };
  await page.getByRole('radio', { name: say(`export.scope.${scope}`) }).check();
  await page.getByRole('radio', { name: say(`export.kind.${kind}`) }).check();
  await window.nameFile(file);
  await page.getByRole('button', { name: say(`export.action.${kind}`, count) }).click();
  await window.says(say('export.written', { ...count, path: file }));
}

e2e('tables are exported as CSV, JSON and XLSX, and read back by others', async (stage) => {
  const { window } = await openExport(stage);
  const saved = savedResults(window.data, 1).map(({ path, label: said }) => [path, said]);
  const folder = stage.folder();

  await write(window, 'csv', 'verified', join(folder, 'verified.csv'));
  const rows = readCsv(join(folder, 'verified.csv'));
  assert.deepEqual(
    rows.map(({ relative_path, label: said, verified }) => [relative_path, said, verified]),
    saved.slice(0, 2).map((row) => [...row, 'true']),
  );

  await window.page.getByRole('checkbox', { name: say('export.classic') }).check();
  await window.page.getByRole('columnheader', { name: 'human_label', exact: true }).waitFor();
  await write(window, 'csv', 'verified', join(folder, 'classic.csv'));
  const classic = readCsv(join(folder, 'classic.csv'));
  assert.deepEqual(
    classic.map(({ relative_path, human_label: said }) => [relative_path, said]),
    saved.slice(0, 2),
  );
  await window.page.getByRole('checkbox', { name: say('export.classic') }).uncheck();

  await write(window, 'json', 'all', join(folder, 'all.json'));
  const { files } = JSON.parse(readFileSync(join(folder, 'all.json'), 'utf8')) as {
    files: { relative_path: string; predictions: { label: string }[] }[];
  };
  assert.deepEqual(
    files.map(({ relative_path, predictions }) => [relative_path, predictions[0]?.label]),
    saved,
  );

  await write(window, 'xlsx', 'all', join(folder, 'all.xlsx'));
  const [sheet] = await readXlsxFile(join(folder, 'all.xlsx'));
  const [header = [], ...lines] = sheet?.data ?? [];
  const columns = ['relative_path', 'label'].map((name) => header.indexOf(name));
  assert.deepEqual(
    lines.map((line) => columns.map((column) => line[column])),
    saved,
  );
});

/** Files below a folder, as class/name. */
function placed(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.includes('/'))
    .sort();
}

for (const mode of ['copy', 'move'] as const) {
  e2e(
    `files go into a folder per class by ${mode}, are planned before and brought back after`,
    async (stage) => {
      const { window, pictures } = await openExport(stage);
      const { page } = window;
      const names = readdirSync(pictures).sort();
      const to = join(stage.folder(), 'sorted');
      await page.getByRole('radio', { name: say(`export.kind.${mode}`) }).check();
      await page.getByRole('textbox', { name: say('export.to-folder') }).fill(to);
      const saved = savedResults(window.data, 1);
      const planned = new Map<string, number>();
      for (const { label: said = '' } of saved) planned.set(said, (planned.get(said) ?? 0) + 1);
      for (const [folder, files] of planned)
        await page
          .getByRole('listitem')
          .filter({ hasText: `${folder}/` })
          .filter({ hasText: String(files) })
          .waitFor();
      assert.equal(existsSync(to), false);
      if (mode === 'copy') await window.photograph('export-plan');

      await page.getByRole('button', { name: say(`export.action.${mode}`, { count: samples }) }).click();
      await window.says(say(`export.${mode}-done`, { count: samples, path: to }));
      assert.deepEqual(placed(to), saved.map(({ path, label: said }) => `${said ?? ''}/${path}`).sort());
      assert.deepEqual(readdirSync(pictures).sort(), mode === 'copy' ? names : []);

      const undo = page.getByRole('button', { name: say('keys.undo'), exact: true });
      await undo.click();
      await undo.waitFor({ state: 'detached' });
      assert.deepEqual(placed(to), []);
      assert.deepEqual(readdirSync(pictures).sort(), names);
    },
  );
}

e2e('a sorting that was cut off is shown as interrupted, goes on, and is taken back', async (stage) => {
  const data = stage.folder();
  const pictures = copyMany(join(stage.folder(), 'many'), 100);
  const to = join(stage.folder(), 'sorted');
  await label(data, pictures, 'fast');
  await interruptSort(data, to, 100);

  const window = await stage.open({ data });
  const { page } = window;
  await window.visit('/runs/1/export', say('export.title', { run: 1 }));
  await page.getByRole('radio', { name: say('export.kind.move') }).check();
  const row = page.getByRole('row').filter({ hasText: to });
  await row.filter({ hasText: say('export.transfer.interrupted.transferring') }).waitFor();
  await row.filter({ hasText: say('export.transfer.move', { count: 64 }) }).waitFor();
  await tabTo(page, row.getByRole('button', { name: say('export.resume') }));
  await page.keyboard.press('Enter');
  await row.filter({ hasText: say('export.transfer.move', { count: 100 }) }).waitFor();
  assert.equal(await page.getByText(say('export.transfer.interrupted.transferring')).count(), 0);
  assert.deepEqual(readdirSync(pictures), []);
  await row.getByRole('button', { name: say('keys.undo'), exact: true }).click();
  await row.waitFor({ state: 'detached' });
  assert.equal(readdirSync(pictures).length, 100);
});

e2e('a file that is there is replaced only after a question', async (stage) => {
  const { window } = await openExport(stage);
  const { page } = window;
  const file = join(stage.folder(), 'mine.csv');
  writeFileSync(file, 'mine');
  const start = async () => {
    await page.getByRole('radio', { name: say('export.scope.verified') }).check();
    await window.nameFile(file);
    await page.getByRole('button', { name: say('export.action.csv', { count: 2 }) }).click();
    await page.getByRole('heading', { name: say('export.replace', { name: 'mine.csv' }) }).waitFor();
  };
  await start();
  await page
    .getByRole('button', { name: say('shell.cancel') })
    .last()
    .click();
  await page.getByRole('button', { name: say('export.action.csv', { count: 2 }) }).waitFor();
  assert.equal(readFileSync(file, 'utf8'), 'mine');
  await start();
  await page.getByRole('button', { name: say('export.replace-action') }).click();
  await window.says(say('export.written', { count: 2, path: file }));
  assert.match(readFileSync(file, 'utf8'), /^relative_path,/);
});
