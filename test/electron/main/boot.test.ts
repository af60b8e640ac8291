import '../support/electron-hooks.ts';
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { CHANNELS } from '../../../electron/shared/ipc.ts';
import {
  app,
  blockers,
  BrowserWindow,
  called,
  calls,
  handlers,
  preventable,
  schemes,
  session,
} from '../support/electron-double.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { ask, opened } from './page.ts';

const until = async (isSo: () => boolean) => {
  while (!isSo()) await new Promise(setImmediate);
};

suite('the boot of the app', async () => {
  const cleanups: (() => void)[] = [];
  const data = temporaryFolder({ after: (cleanup: () => void) => void cleanups.push(cleanup) });
  process.env['WINNOW_DATA'] = data;
  writeFileSync(join(data, 'running'), '1\n'); // what an app leaves that has crashed
  process.argv.splice(1); // as a packaged app is started
  await import('../../../electron/main/main.ts');
  await until(() => BrowserWindow.opened.length > 0);
  process.on('exit', () => cleanups.forEach((cleanup) => cleanup()));

  const before = (name: string) => calls.findIndex(([other]) => other === name);

  test('prepares scheme, switches and crash dumps before the app is ready', () => {
    const ready = before('whenReady');
    for (const name of ['registerSchemesAsPrivileged', 'appendSwitch', 'crashReporter.start'])
      assert.ok(before(name) >= 0 && before(name) < ready, name);
  });

  test('keeps crash dumps on this computer', () => {
    assert.deepEqual(called('crashReporter.start'), [[{ uploadToServer: false, submitURL: '' }]]);
    assert.deepEqual(app.paths, { userData: join(data, 'window'), crashDumps: join(data, 'crashes') });
  });

  test('opens one window, sandboxed, on a page of its own', () => {
    assert.equal(BrowserWindow.opened.length, 1);
    const { options, webContents } = opened();
    const { preload, ...preferences } = options['webPreferences'] as Record<string, unknown>;
    assert.deepEqual(preferences, {
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webviewTag: false,
      spellcheck: false,
      devTools: false,
    });
    assert.match(String(preload), /electron[\\/]preload[\\/]preload\.cjs$/);
    assert.equal(webContents.mainFrame.url, 'winnow://app/index.html');
  });

  test('answers the calls of the page', async () => {
    assert.deepEqual(
      [...handlers.keys()].sort(),
      Object.values(CHANNELS)
        .filter((name) => handlers.has(name))
        .sort(),
    );
    assert.deepEqual(await ask(CHANNELS.call, ['listRuns', {}]), { value: [] });
    const failed = (await ask(CHANNELS.call, ['showRun', { runId: 5 }])) as { error: { code: string } };
    assert.equal(failed.error.code, 'NOT_FOUND');
  });

  test('tells that Winnow did not end properly, once the page is there', () => {
    const { webContents } = opened();
    webContents.emit('did-finish-load');
    const [channel, message] = webContents.sent.at(-1) ?? [];
    assert.equal(channel, CHANNELS.event);
    assert.match(JSON.stringify(message), /"type":"notice","message":"Winnow did not end properly last time/);
  });

  test('brings its window to the front when it is started again', () => {
    opened().minimized = true;
    app.emit('second-instance');
    assert.equal(BrowserWindow.opened.length, 1);
    assert.ok(opened().focused);
    assert.equal(called('restore').length, 1);
  });

  test('has answered for its scheme and its session', () => {
    assert.deepEqual([...schemes.keys()], ['winnow']);
    assert.ok(session.defaultSession.requestFilter !== undefined);
    assert.equal(called('setApplicationMenu').length, 1);
  });

  test('keeps where the window was, closes the library and says that it ended', async () => {
    const window = opened();
    window.bounds = { x: 50, y: 60, width: 1200, height: 800 };
    window.emit('close');
    window.emit('closed');
    assert.deepEqual(JSON.parse(readFileSync(join(data, 'window.json'), 'utf8')), {
      x: 50,
      y: 60,
      width: 1200,
      height: 800,
      maximized: false,
    });
    const first = preventable();
    app.quits = 0;
    app.emit('before-quit', first);
    assert.ok(first.defaultPrevented);
    await until(() => app.quits === 1);
    assert.equal(existsSync(join(data, 'running')), false);
    assert.equal(blockers.size, 0);
    const last = preventable();
    app.emit('before-quit', last);
    assert.ok(!last.defaultPrevented);
  });
});
