import assert from 'node:assert/strict';
import { join } from 'node:path';
import { start, winnow } from '../electron/support/command-line.ts';
import { copyMany } from './support/pictures.ts';
import { label } from './support/prepare.ts';
import { countByStatus, startSlowRun, underWay } from './support/runs.ts';
import { say } from './support/say.ts';
import { e2e } from './support/e2e.ts';
import { until } from './support/until.ts';

const IMAGES = 1500;

/** What a browser says of a server that is not there. */
const unreachable = [/WebSocket connection/, /ERR_CONNECTION_REFUSED/, /Failed to load resource/];

e2e(
  'a window reconnects by itself after a crash, and the run that crashed is paused and goes on',
  async (stage) => {
    const window = await stage.open({ expected: unreachable });
    const { page } = window;
    await window.addFolder(copyMany(join(stage.folder(), 'many'), IMAGES));
    await startSlowRun(window);
    await window.shows(say('runs.name', { run: 1 }));
    await underWay(window, 1);
    await page.getByText(say('run.speed'), { exact: true }).waitFor();

    const begin = await window.around.crash?.();
    await page.getByText(say('status.lost')).waitFor();
    const shown = () => page.getByRole('region', { name: say('run.progress') }).innerText();
    const frozen = await shown();
    const look = `(() => { const { filter, opacity } = getComputedStyle(document.querySelector('main'));
      return [filter, Number(opacity) < 1]; })()`;
    assert.deepEqual(await page.evaluate(look), ['grayscale(1)', true]);
    await window.photograph('connection-lost');
    assert.equal(await shown(), frozen);

    await begin?.();
    const resume = page.getByRole('button', { name: say('run.resume') });
    await resume.waitFor();
    assert.equal(await page.getByText(say('status.lost')).count(), 0);
    assert.equal(await page.getByRole('button', { name: say('run.pause') }).count(), 0);
    assert.equal(await page.getByText(say('run.speed'), { exact: true }).count(), 0);
    assert.deepEqual(await page.evaluate(look), ['none', false]);
    await window.photograph('run-crashed');
    await window.visit('/runs', say('rail.runs'));
    await page.getByRole('row', { name: new RegExp(`Run 1.*${say('run.state.paused')}`) }).waitFor();
    await window.visit('/runs/1', say('runs.name', { run: 1 }));
    const { ok } = countByStatus(window.data, 1);
    await resume.click();
    await underWay(window, 1, ok);
    await page.getByRole('button', { name: say('run.pause') }).waitFor();
  },
  { inElectron: false },
);

e2e(
  'a window that is let in no more says so; the new address lets it in',
  async (stage) => {
    const window = await stage.open({ expected: [...unreachable, /403/] });
    const { page } = window;
    await window.shows(say('rail.library'));
    const begin = await window.around.crash?.();
    await page.getByText(say('status.lost')).waitFor();
    await begin?.('--new-token');
    await window.says(say('shell.refused'));
    await window.photograph('connection-refused');
  },
  { inElectron: false },
);

e2e('a run that another Winnow works on runs here too, without a Pause, until it is gone', async (stage) => {
  const data = stage.folder();
  const folder = copyMany(join(stage.folder(), 'many'), IMAGES);
  await label(data, folder, 'fast');
  const { child, ended } = start(data, 'run', folder, '--threads', '1', '--preset', 'accurate');
  const window = await stage.open({ data });
  const { page } = window;
  await underWay(window, 2);
  await window.visit('/runs/2', say('runs.name', { run: 2 }));
  await window.says(say('run.elsewhere'));
  assert.equal(await page.getByRole('button', { name: say('run.pause') }).count(), 0);
  await window.photograph('run-elsewhere');
  await page.keyboard.press('Delete');
  await page.getByRole('alert').filter({ hasText: 'in another Winnow' }).waitFor();
  assert.equal(await page.getByRole('alertdialog').count(), 0);
  child.kill('SIGKILL');
  await ended;
  await page.getByRole('button', { name: say('run.resume') }).waitFor();
  await until(
    'the command line to say so, too',
    async () => (await winnow(data, 'runs')).stdout,
    (text) => /\n2 +paused/.test(text),
  );
});
