import '../support/electron-hooks.ts';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { INSTALLED_FILES } from '../../../electron/main/installed-files.ts';
import { CHANNELS } from '../../../electron/shared/ipc.ts';
import { app, BrowserWindow, preventable, schemes } from '../support/electron-double.ts';
import { writeFiles } from '../support/files.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { ask } from './page.ts';

const { setupPaths } = await import('../../../electron/main/app-paths.ts');
const { MainWindow } = await import('../../../electron/main/main-window.ts');
const { openApp } = await import('../../../electron/main/open-app.ts');

const until = async (isSo: () => boolean) => {
  while (!isSo()) await new Promise(setImmediate);
};

/** An installation of one file beside the archive, and a window that is not open yet. */
function installed(t: TestContext) {
  const folder = temporaryFolder(t);
  const data = temporaryFolder(t);
  process.env['WINNOW_DATA'] = data;
  const content = 'x'.repeat(100_000);
  writeFiles(folder, {
    'app.asar.unpacked/addon.node': content,
    [`app.asar/${INSTALLED_FILES}`]: JSON.stringify({
      'addon.node': createHash('sha256').update(content).digest('hex'),
    }),
  });
  const root = join(folder, 'app.asar');
  const paths = setupPaths(root);
  const before = BrowserWindow.opened.length;
  const isOpen = () => BrowserWindow.opened.length > before;
  return {
    root,
    paths,
    window: new MainWindow(paths),
    addon: join(`${root}.unpacked`, 'addon.node'),
    isOpen,
  };
}

suite('an installed app that is opened', () => {
  test('answers its page when its files are as they were packed', async (t) => {
    const { root, paths, window, isOpen } = installed(t);
    const opening = openApp(root, paths, window);
    await until(isOpen);
    assert.deepEqual(await ask(CHANNELS.call, ['listRuns', {}]), { value: [] });
    await opening;
    app.quits = 0;
    app.emit('before-quit', preventable());
    await until(() => app.quits === 1); // which closes the library
  });

  test('says that one was altered, with a window that was opened meanwhile but answered nothing', async (t) => {
    const { root, paths, window, addon, isOpen } = installed(t);
    writeFileSync(addon, 'another');
    const opening = openApp(root, paths, window);
    const sentence = {
      message:
        'Files of this installation are not as they were made: addon.node. Install Winnow again; the library stays as it is.',
    };
    const said = assert.rejects(opening, sentence);
    await until(isOpen);
    await assert.rejects(ask(CHANNELS.call, ['listRuns', {}]), sentence);
    await assert.rejects(ask(CHANNELS.showInFolder, [1]), sentence);
    const answer = schemes.get('winnow');
    await assert.rejects(async () => answer?.(new Request('winnow://app/thumbnail/1')), sentence);
    const page = await answer?.(new Request('winnow://app/none.html'));
    assert.equal(page?.status, 404); // what the window is built of is answered at once
    await said;
    assert.equal(existsSync(join(paths.data, 'library.db')), false);
  });
});
