import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { everyday10 } from '../electron/support/models.ts';
import { copyMany } from './support/pictures.ts';
import { countByStatus, startSlowRun, underWay } from './support/runs.ts';
import { say } from './support/say.ts';
import { engineHosts } from './support/serve.ts';
import { e2e } from './support/e2e.ts';
import { winnow } from '../electron/support/command-line.ts';

/** As few as leave time to intervene: each is labelled in about 8 ms. */
const IMAGES = 600;
const allDone = { ok: IMAGES, pending: 0, failed: 0 };

e2e('a run is paused, goes on, loses its engine and is done', async (stage) => {
  const window = await stage.open();
  const { page } = window;
  await window.addFolder(copyMany(join(stage.folder(), 'many'), IMAGES));
  await startSlowRun(window);
  await window.shows(say('runs.name', { run: 1 }));
  await underWay(window, 1);
  await window.photograph('run');
  await page.getByRole('button', { name: say('run.pause') }).click();
  const resume = page.getByRole('button', { name: say('run.resume') });
  await resume.waitFor();
  await window.says(say('run.paused-text'));
  const paused = countByStatus(window.data, 1);
  assert.ok(paused.pending > 0);
  await window.photograph('run-paused');

  await resume.click();
  await underWay(window, 1, paused.ok);
  const hosts = engineHosts(window.around.pid);
  assert.equal(hosts.length, 1);
  for (const pid of hosts) process.kill(pid, 'SIGKILL');
  const notice = page.getByRole('status').filter({ hasText: /The engine is started again/ });
  await notice.waitFor();
  assert.equal(await notice.count(), 1);
  await window.openResults(1);
  assert.deepEqual(countByStatus(window.data, 1), allDone);
  await page.getByRole('grid', { name: say('run.images') }).waitFor();
});

e2e('a folder that goes away during a run pauses it; back again, the run comes to its end', async (stage) => {
  // The pictures that the window shows are gone, too.
  const window = await stage.open({ expected: [/Failed to load resource/] });
  const { page } = window;
  const folder = copyMany(join(stage.folder(), 'stick'), IMAGES);
  await window.addFolder(folder);
  await startSlowRun(window);
  await underWay(window, 1);
  renameSync(folder, `${folder} elsewhere`);
  await window.says(new RegExp(basename(folder)));
  const resume = page.getByRole('button', { name: say('run.resume') });
  await resume.waitFor();
  const { failed, pending } = countByStatus(window.data, 1);
  assert.equal(failed, 0);
  assert.ok(pending > 0);
  await window.photograph('folder-gone');
  await window.visit('/library', say('rail.library'));
  await window.says(say('library.missing'));
  await window.photograph('library-folder-gone');

  renameSync(`${folder} elsewhere`, folder);
  await window.visit('/runs/1', say('runs.name', { run: 1 }));
  await resume.click();
  await window.openResults(1);
  assert.deepEqual(countByStatus(window.data, 1), allDone);
});

e2e('a model file that was replaced under a run is not used for the rest of it', async (stage) => {
  const data = stage.folder();
  const models = join(data, 'models');
  mkdirSync(models);
  const model = join(models, 'mine.safetensors');
  copyFileSync(everyday10, model);
  const window = await stage.open({ data });
  const { page } = window;
  await window.addFolder(copyMany(join(stage.folder(), 'many'), IMAGES));
  await startSlowRun(window, 'mine');
  await underWay(window, 1);
  await page.getByRole('button', { name: say('run.pause') }).click();
  const resume = page.getByRole('button', { name: say('run.resume') });
  await resume.waitFor();
  const before = countByStatus(data, 1);
  assert.ok(before.pending > 0);

  writeFileSync(model, 'another file');
  await resume.click();
  const alert = page.getByRole('alert').filter({ hasText: 'mine' });
  await alert.waitFor();
  await window.photograph('model-replaced');
  // Why it stopped stays with the run, and nowhere else.
  await window.visit('/models', say('rail.models'));
  assert.equal(await alert.count(), 0);
  await page.reload();
  await window.visit('/runs/1', say('runs.name', { run: 1 }));
  await alert.waitFor();
  assert.deepEqual(countByStatus(data, 1), before);

  copyFileSync(everyday10, model);
  await page.getByRole('button', { name: say('run.resume') }).click();
  await window.openResults(1);
  assert.deepEqual(countByStatus(data, 1), allDone);
});

e2e('a damaged library says so at the start and is restored from its backup', async (stage) => {
  const data = stage.folder();
  const folder = copyMany(join(stage.folder(), 'pictures'), 5);
  await winnow(data, 'run', folder);
  await winnow(data, 'library', 'backup');
  for (const ending of ['-wal', '-shm']) writeFileSync(join(data, `library.db${ending}`), '');
  writeFileSync(join(data, 'library.db'), 'this is no library '.repeat(500));

  const window = await stage.open({ data });
  const { page } = window;
  await page.getByRole('button', { name: say('shell.retry') }).waitFor();
  assert.equal(await page.getByRole('alert').filter({ hasText: 'damaged' }).count(), 1);
  await window.photograph('library-damaged');
  await window.visit('/settings', say('rail.settings'));
  const backup = page.getByRole('listitem').filter({ hasText: 'library.manual' });
  await backup.getByRole('button', { name: say('settings.restore') }).click();
  const question = page.getByRole('alertdialog', { name: say('settings.restore-title') });
  await question.getByRole('button', { name: say('settings.restore') }).click();
  await window.says(say('settings.restored'));
  await window.visit('/library', say('rail.library'));
  await page.getByRole('button', { name: say('library.new-run', { images: 5 }) }).waitFor();
});
