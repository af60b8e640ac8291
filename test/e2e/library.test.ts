import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { winnow } from '../electron/support/command-line.ts';
import { e2e } from './support/e2e.ts';
import { hasValue, tabTo } from './support/keyboard.ts';
import { copyMany } from './support/pictures.ts';
import { label } from './support/prepare.ts';
import { countByStatus, startSlowly, underWay } from './support/runs.ts';
import { say } from './support/say.ts';
import { until } from './support/until.ts';

const MANY = 1500;

e2e(
  'the folder that is added is the one that is named on the button',
  async (stage) => {
    const window = await stage.open();
    const { page } = window;
    const folder = copyMany(join(stage.folder(), 'birds'), 3);
    await window.shows(say('rail.library'));
    await page.keyboard.press('a');
    const dialog = page.getByRole('dialog', { name: say('library.add') });
    const field = dialog.getByRole('textbox', { name: say('image.path') });
    await until('the folder that is shown first', () => field.inputValue());
    const add = dialog.locator('.dialog-buttons button').last();
    const named = (path: string) => say('folder-dialog.choose', { known: 'true', name: basename(path) });

    // A wrong path can be neither taken by the mouse nor by a key.
    await field.fill(join(folder, 'no such folder'));
    await dialog.getByRole('alert').filter({ hasText: 'no such folder' }).waitFor();
    assert.equal(await add.isDisabled(), true);
    assert.equal(await add.innerText(), say('folder-dialog.choose', { known: 'false', name: '' }));
    await window.photograph('folder-dialog-wrong');
    // What is typed is what is named, without Enter.
    await field.fill(folder);
    await dialog.getByRole('button', { name: named(folder), disabled: false }).waitFor();
    assert.equal(await dialog.getByRole('alert').count(), 0);
    // And at no time the folder of before.
    await field.fill(dirname(folder));
    assert.notEqual(await add.innerText(), named(folder));
    await dialog.getByRole('button', { name: named(dirname(folder)), disabled: false }).waitFor();
    await field.fill(`${folder}/`);
    await dialog.getByRole('button', { name: named(folder), disabled: false }).waitFor();
    await window.photograph('folder-dialog-typed');
    await add.click();
    await page.getByRole('checkbox', { name: say('library.select', { name: 'birds' }) }).waitFor();
    assert.match((await winnow(window.data, 'library', 'info')).stdout, /holds +1 folder, 3 images/);

    // To export into, likewise.
    await label(window.data, folder, 'fast');
    await window.visit('/runs/1/export', say('export.title', { run: 1 }));
    await window.nameFile(join(folder, 'out.csv'));
    await page.getByRole('button', { name: say('export.choose'), exact: true }).click();
    const where = page.getByRole('dialog', { name: say('export.choose-title') });
    await until('the home folder', () => where.getByRole('textbox').inputValue());
    await where.getByRole('textbox').fill(dirname(folder));
    const name = say('export.choose-action', { known: 'true', name: basename(dirname(folder)) });
    await where.getByRole('button', { name, disabled: false }).click();
    const file = page.getByRole('textbox', { name: say('export.to-file') });
    await hasValue(file, join(dirname(folder), 'out.csv'));
  },
  { inElectron: false },
);

e2e('a new run is over the folders that are ticked, by the button and by the key', async (stage) => {
  const data = stage.folder();
  const root = stage.folder();
  const folders = [10, 20, 30].map((count) => copyMany(join(root, `of-${count}`), count));
  const window = await stage.open({ data });
  const { page } = window;
  for (const folder of folders) await window.addFolder(folder);
  const box = (name: string) => page.getByRole('checkbox', { name: say('library.select', { name }) });
  await box('of-10').check();
  await box('of-30').check();
  await page.getByRole('button', { name: say('library.new-run', { images: 40 }) }).waitFor();
  await page.keyboard.press('n');
  await window.shows(say('new-run.title'));
  const isChosen = (count: number) =>
    page.getByRole('checkbox', { name: new RegExp(`of-${count} `) }).isChecked();
  await page.getByRole('button', { name: say('new-run.label', { images: 40 }) }).waitFor();
  assert.deepEqual(await Promise.all([10, 20, 30].map(isChosen)), [true, false, true]);

  // Coming back, they are still ticked.
  await window.visit('/library', say('rail.library'));
  assert.deepEqual(await Promise.all(['of-10', 'of-20', 'of-30'].map((name) => box(name).isChecked())), [
    true,
    false,
    true,
  ]);
  await box('of-10').uncheck();
  await page.getByRole('button', { name: say('library.new-run', { images: 30 }) }).click();
  await page.getByRole('button', { name: say('new-run.label', { images: 30 }) }).waitFor();
});

e2e('all images and new ones are told apart by their names', async (stage) => {
  const data = stage.folder();
  const folder = copyMany(join(stage.folder(), 'growing'), 20);
  assert.equal((await winnow(data, 'run', folder, '--preset', 'balanced')).code, 0);
  copyMany(join(folder, 'new'), 10);
  const window = await stage.open({ data });
  const { page } = window;
  await page.getByRole('button', { name: say('library.new-run', { images: 20 }) }).waitFor();
  await page.getByRole('button', { name: basename(folder) }).click();
  await page.getByRole('button', { name: say('library.rescan') }).click();
  await page.getByRole('button', { name: say('library.new-run', { images: 30 }) }).click();
  await page.getByRole('button', { name: say('new-run.label-new', { images: 10 }) }).waitFor();
  await window.says(say('new-run.new-of', { images: 10, total: 30 }));
  await window.photograph('new-run-new-images');
});

e2e(
  'what cannot be removed says so before it asks, and a run is no reason for other folders',
  async (stage) => {
    const window = await stage.open();
    const { page } = window;
    const root = stage.folder();
    await window.addFolder(copyMany(join(root, 'other'), 3));
    await window.addFolder(copyMany(join(root, 'used'), MANY));
    await page.getByRole('checkbox', { name: say('library.select', { name: 'used' }) }).check();
    await page.keyboard.press('n');
    await page.getByRole('button', { name: say('new-run.label', { images: MANY }) }).waitFor();
    await startSlowly(window);
    await underWay(window, 1);
    await window.visit('/library', say('rail.library'));
    const question = page.getByRole('alertdialog');
    const removeFolder = async (name: string) => {
      await page.locator('[data-row]').filter({ hasText: name }).focus();
      await page.keyboard.press('Delete');
    };

    await removeFolder('used');
    const refusal = page.getByRole('alert').filter({ hasText: 'run 1 is at work on it' });
    await refusal.waitFor();
    assert.equal(await question.count(), 0);
    await window.photograph('folder-in-use');
    await removeFolder('other');
    await question.getByRole('button', { name: say('library.remove') }).click();
    await page.getByText('other', { exact: true }).waitFor({ state: 'detached' });
    assert.equal(await refusal.count(), 0); // something else was tried
    assert.ok(countByStatus(window.data, 1).pending > 0);
  },
);

e2e('an error goes with its view and with the next thing that is tried', async (stage) => {
  const window = await stage.open();
  const { page } = window;
  const root = stage.folder();
  for (const name of ['first', 'second']) {
    await window.addFolder(copyMany(join(root, name), 2));
    renameSync(join(root, name), join(root, `${name} elsewhere`));
  }
  const alerts = page.getByRole('alert');
  const rescan = async (name: string) => {
    await page.locator('[data-row]').filter({ hasText: name }).focus();
    await page.keyboard.press('r');
    await alerts.filter({ hasText: join(root, name) }).waitFor();
  };
  await rescan('first');
  await rescan('second');
  assert.equal(await alerts.count(), 1); // they do not stack
  await window.photograph('error-in-library');
  await window.visit('/runs', say('rail.runs'));
  assert.equal(await alerts.count(), 0);
  await window.visit('/library', say('rail.library'));
  assert.equal(await alerts.count(), 0);
  // Its cause is over.
  await rescan('second');
  renameSync(join(root, 'second elsewhere'), join(root, 'second'));
  await page.keyboard.press('r');
  await alerts.waitFor({ state: 'detached' });
});

e2e('the library is checked by a key: sound, then damaged, then mended', async (stage) => {
  const data = stage.folder();
  await label(data, copyMany(join(stage.folder(), 'few'), 3), 'fast');
  const window = await stage.open({ data });
  const { page } = window;
  await window.visit('/settings', say('rail.settings'));
  await page.keyboard.press('c');
  await window.says(/^The library is sound: \d+ rows are what was written\.$/);

  // As damage does, without the checksum that Winnow's own statements write.
  const database = new Database(join(data, 'library.db'));
  database.exec('UPDATE results SET class_1 = class_1 + 1 WHERE image_id = (SELECT min(id) FROM images)');
  database.close();
  await tabTo(page, page.getByRole('button', { name: say('settings.check'), exact: true }));
  await page.keyboard.press('Enter');
  await window.says(say('settings.check-results', { run: 1, count: 1, countText: '1' }));
  await window.says(/0000\d\.jpg/);
  await tabTo(page, page.getByRole('button', { name: say('settings.check-mend') }));
  await page.keyboard.press('Enter');
  await tabTo(page, page.getByRole('link', { name: say('settings.check-mended') }));
  assert.deepEqual(countByStatus(data, 1), { ok: 2, pending: 1, failed: 0 });
  await page.keyboard.press('Enter');
  await window.shows(say('runs.name', { run: 1 }));
});

e2e('a backup that is none is refused before the question', async (stage) => {
  const data = stage.folder();
  await label(data, copyMany(join(stage.folder(), 'few'), 2), 'fast');
  const window = await stage.open({ data });
  const { page } = window;
  await window.visit('/settings', say('rail.settings'));
  await page.getByRole('textbox', { name: say('settings.restore-file') }).fill(join(data, 'no such backup'));
  await page.keyboard.press('Enter');
  await page.getByRole('alert').filter({ hasText: 'no such backup' }).waitFor();
  assert.equal(await page.getByRole('alertdialog').count(), 0);
});
