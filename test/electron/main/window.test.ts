import '../support/electron-hooks.ts';
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { IpcMainInvokeEvent } from 'electron';
import { Library } from '../../../electron/core/store/library.ts';
import { MENU_COMMANDS } from '../../../electron/shared/window-bridge.ts';
import { CHANNELS } from '../../../electron/shared/ipc.ts';
import { called, calls, choices, preventable, schemes, session } from '../support/electron-double.ts';
import type { MenuItem } from '../support/electron-double.ts';
import { writeFiles } from '../support/files.ts';
import { testApp } from '../support/test-app.ts';
import { draw } from '../support/pictures.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { ask, opened } from './page.ts';

const { MainWindow } = await import('../../../electron/main/main-window.ts');
const { setupMenu } = await import('../../../electron/main/menu.ts');
const { pathsOf } = await import('../../../electron/main/app-paths.ts');
const { setupProtocol } = await import('../../../electron/main/scheme.ts');
const { setupNoNetwork, setupSession } = await import('../../../electron/main/session.ts');
const { chooseLanguage } = await import('../../../electron/main/texts.ts');
const { setupCalls, setupDesktop } = await import('../../../electron/main/window-calls.ts');
const { restoredState, saveState } = await import('../../../electron/main/window-state.ts');

const { texts } = chooseLanguage('en', 'en');

/** A window over an app with a double for an engine. */
function desktop(t: TestContext) {
  const rooms = testApp(t);
  const paths = { ...pathsOf(temporaryFolder(t)), data: temporaryFolder(t) };
  const window = new MainWindow(paths);
  setupCalls(rooms.app, window, Promise.resolve());
  setupDesktop(rooms.app, window, { texts, checked: Promise.resolve() });
  window.show();
  return { ...rooms, window, paths };
}

suite('who may ask the main process', () => {
  const strangers: Record<string, () => object> = {
    'a frame inside the page': () => ({ senderFrame: { url: 'winnow://app/index.html' } }),
    'another page': () => ({ senderFrame: null }),
    'other contents': () => ({ sender: { mainFrame: opened().webContents.mainFrame } }),
  };
  for (const [name, event] of Object.entries(strangers)) {
    test(`not ${name}`, async (t) => {
      desktop(t);
      for (const channel of [CHANNELS.call, CHANNELS.chooseFolders, CHANNELS.showInFolder])
        await assert.rejects(ask(channel, ['listRuns', {}], event()), /answered to Winnow's own page only/);
      assert.deepEqual(await ask(CHANNELS.call, ['listRuns', {}]), { value: [] });
    });
  }

  test('not a page of another origin, nor one after the window has closed', (t) => {
    const { window } = desktop(t);
    const { webContents } = opened();
    const event = {
      sender: webContents,
      senderFrame: webContents.mainFrame,
    } as unknown as IpcMainInvokeEvent;
    assert.ok(window.isSender(event));
    for (const url of ['https://evil.example/', 'winnow://application/', 'file:///x', 'about:blank']) {
      webContents.mainFrame.url = url;
      assert.ok(!window.isSender(event), url);
    }
    webContents.mainFrame.url = 'winnow://app/index.html';
    opened().emit('closed');
    assert.ok(!window.isSender(event));
  });

  test('and what is checked like any call', async (t) => {
    desktop(t);
    for (const values of [['close', {}], ['__proto__', {}], [7], [], ['showRun', { runId: '1' }]]) {
      const { error } = (await ask(CHANNELS.call, values)) as { error: { code: string } };
      assert.equal(error.code, 'BAD_ARGUMENT');
    }
    for (const [channel, ...values] of [
      [CHANNELS.chooseFile, 'anything'],
      [CHANNELS.chooseSaveFile, 7],
      [CHANNELS.showInFolder, '../secret'],
      [CHANNELS.changeText, 'delete'],
    ])
      await assert.rejects(ask(String(channel), values));
    assert.deepEqual(called('showItemInFolder'), []);
  });
});

suite('the window', () => {
  test('opens and follows nothing but its page', (t) => {
    desktop(t);
    const { webContents } = opened();
    assert.deepEqual(webContents.openHandler?.(), { action: 'deny' });
    for (const name of ['will-navigate', 'will-frame-navigate', 'will-redirect']) {
      const event = preventable({ url: 'https://evil.example/' });
      webContents.emit(name, event);
      assert.ok(event.defaultPrevented, name);
    }
    const own = preventable({ url: 'winnow://app/index.html#/runs' });
    webContents.emit('will-navigate', own);
    assert.ok(!own.defaultPrevented);
    const webview = preventable();
    webContents.emit('will-attach-webview', webview);
    assert.ok(webview.defaultPrevented);
  });

  test('hears the events of the app', async (t) => {
    const { app, folder } = desktop(t);
    writeFiles(folder, { '001.jpg': '1' });
    await app.run({ folders: [folder] });
    const types = opened().webContents.sent.map(([channel, message]) => [
      channel,
      (message as { type: string }).type,
    ]);
    assert.ok(types.some(([channel, type]) => channel === CHANNELS.event && type === 'started'));
  });

  test('opens where it was, but not where no screen is', (t) => {
    const path = join(temporaryFolder(t), 'window.json');
    const screens = [
      { x: 0, y: 0, width: 1920, height: 1080 },
      { x: 1920, y: 0, width: 1280, height: 1024 },
    ];
    assert.equal(restoredState(path, screens).x, undefined);
    const state = { x: 2000, y: 100, width: 1000, height: 700, maximized: true };
    saveState(path, state);
    assert.deepEqual(restoredState(path, screens), state);
    assert.deepEqual(restoredState(path, screens.slice(0, 1)), { width: 1000, height: 700, maximized: true });
    for (const place of [{ y: -50 }, { y: 1000 }, { x: 3150 }, { x: -950 }]) {
      saveState(path, { ...state, ...place });
      assert.equal(restoredState(path, screens).x, undefined, JSON.stringify(place));
    }
    for (const text of ['', '{', '{"x":1}', 'null']) {
      writeFileSync(path, text);
      assert.equal(restoredState(path, screens).x, undefined);
    }
  });
});

suite('what only a desktop window can do', () => {
  test('choosing folders and files', async (t) => {
    desktop(t);
    choices.open = ['/pictures', '/more'];
    assert.deepEqual(await ask(CHANNELS.chooseFolders, []), ['/pictures', '/more']);
    choices.open = ['/model.pth'];
    assert.equal(await ask(CHANNELS.chooseFile, ['model']), '/model.pth');
    choices.open = [];
    assert.equal(await ask(CHANNELS.chooseFile, ['backup']), undefined);
    assert.deepEqual(await ask(CHANNELS.chooseFolders, []), []);
    const [, , file] = called('showOpenDialog');
    assert.match(JSON.stringify(called('showOpenDialog')[0]?.[1]), /openDirectory.*multiSelections/);
    assert.ok(file !== undefined);
  });

  test('choosing where to save', async (t) => {
    desktop(t);
    choices.save = '/out/labels.csv';
    assert.equal(await ask(CHANNELS.chooseSaveFile, ['labels.csv']), '/out/labels.csv');
    choices.save = undefined;
    assert.equal(await ask(CHANNELS.chooseSaveFile, ['labels.csv']), undefined);
    assert.match(JSON.stringify(called('showSaveDialog')[0]?.[1]), /"defaultPath":"labels\.csv"/);
  });

  test('showing an image of the library in its folder', async (t) => {
    const { folder, libraryPath } = desktop(t);
    writeFiles(folder, { 'a.jpg': 'a' });
    const library = Library.open(libraryPath);
    const folderId = library.folders.ensure(folder).id;
    const id = library.images.see(folderId, { relativePath: 'a.jpg', fileSize: 1, modifiedMs: 1 }, 1);
    library.close();
    await ask(CHANNELS.showInFolder, [id]);
    assert.deepEqual(called('showItemInFolder'), [[join(folder, 'a.jpg')]]);
    await assert.rejects(ask(CHANNELS.showInFolder, [id + 1]), { code: 'NOT_FOUND' });
  });

  test('taking back what was typed', async (t) => {
    desktop(t);
    await ask(CHANNELS.changeText, ['undo']);
    await ask(CHANNELS.changeText, ['redo']);
    assert.equal(called('undo').length, 1);
    assert.equal(called('redo').length, 1);
  });
});

suite('the menu', () => {
  const flat = (items: MenuItem[]): MenuItem[] =>
    items.flatMap((item) => [item, ...flat(item.submenu ?? [])]);

  for (const locale of ['en', 'de'] as const) {
    test(`sends its commands to the page (${locale})`, (t) => {
      const { window } = desktop(t);
      setupMenu(window, chooseLanguage(locale, '').texts);
      const [template] = called('setApplicationMenu').at(-1) as [MenuItem[]];
      const items = flat(template).filter(({ id }) => id !== undefined);
      assert.deepEqual(items.map(({ id }) => id).sort(), [...MENU_COMMANDS].sort());
      const { sent } = opened().webContents;
      for (const item of items) {
        item.click?.();
        assert.deepEqual(sent.at(-1), [CHANNELS.menu, item.id]);
        assert.ok((item.label ?? '').length > 0 && (item.accelerator ?? '').length > 0);
      }
      const undo = items.find(({ id }) => id === 'undo');
      assert.equal(undo?.registerAccelerator, false); // else it would take it from text fields
      assert.ok(!flat(template).some(({ role }) => role === 'toggleDevTools' || role === 'reload'));
    });
  }

  test('speaks the language that is set, else the system’s where it can', () => {
    assert.equal(chooseLanguage('system', 'de-AT').locale, 'de');
    assert.equal(chooseLanguage('system', 'fr').locale, 'en');
    assert.equal(chooseLanguage('en', 'de').locale, 'en');
  });
});

suite('the scheme of the window', () => {
  async function site(t: TestContext) {
    const rooms = desktop(t);
    const built = temporaryFolder(t);
    writeFiles(built, { 'window/index.html': '<title>Winnow</title>', 'secret.json': '{}' });
    setupProtocol(join(built, 'window'), rooms.app.pictures, Promise.resolve());
    writeFiles(rooms.folder, { 'a.jpg': await draw(20, 10).jpeg().toBuffer() });
    const library = Library.open(rooms.libraryPath);
    const id = library.images.see(
      library.folders.ensure(rooms.folder).id,
      { relativePath: 'a.jpg', fileSize: 1, modifiedMs: 1 },
      1,
    );
    library.close();
    const get = async (url: string, options: RequestInit = {}): Promise<Response> => {
      const handler = schemes.get('winnow');
      assert.ok(handler !== undefined);
      return await handler(new Request(url, options));
    };
    return { get, id };
  }

  test('shows the page and pictures of the library, with a policy that lets nothing else in', async (t) => {
    const { get, id } = await site(t);
    const page = await get('winnow://app/index.html');
    assert.equal(await page.text(), '<title>Winnow</title>');
    assert.match(
      page.headers.get('content-security-policy') ?? '',
      /^default-src 'none'; script-src 'self';/,
    );
    const picture = await get(`winnow://app/image/${id}`);
    assert.equal(picture.headers.get('content-type'), 'image/jpeg');
    assert.ok((await picture.arrayBuffer()).byteLength > 100);
    assert.equal((await get(`winnow://app/thumbnail/${id}`)).status, 200);
    const headers = { 'If-None-Match': picture.headers.get('etag') ?? '' };
    assert.equal((await get(`winnow://app/image/${id}`, { headers })).status, 304);
  });

  test('shows nothing else', async (t) => {
    const { get, id } = await site(t);
    const statuses: [url: string, status: number][] = [
      ['winnow://app/../secret.json', 404],
      ['winnow://app/%2e%2e/secret.json', 404],
      ['winnow://app/..%2fsecret.json', 400],
      ['winnow://app/image//etc/passwd', 400],
      [`winnow://app/image/${id}/..`, 400],
      [`winnow://app/image/${id + 1}`, 404],
      [`winnow://other/image/${id}`, 403],
      ['winnow://evil.example/index.html', 403],
    ];
    for (const [url, status] of statuses) assert.equal((await get(url)).status, status, url);
    assert.equal((await get('winnow://app/index.html', { method: 'POST' })).status, 403);
  });
});

suite('the network', () => {
  test('is asked for nothing: every request but to the window itself is refused', () => {
    setupSession();
    const isRefused = (url: string) => {
      let refused: boolean | undefined;
      session.defaultSession.requestFilter?.({ url }, ({ cancel }) => (refused = cancel));
      return refused;
    };
    for (const url of [
      'winnow://app/index.html',
      'winnow://app/image/1',
      'data:image/png;base64,x',
      'blob:winnow://app/1',
    ])
      assert.equal(isRefused(url), false, url);
    const others = [
      'http://localhost/',
      'https://example.org/',
      'ws://localhost:1/',
      'wss://example.org/',
      'ftp://example.org/',
      'file:///etc/passwd',
      'winnow://other/',
      'blob:https://example.org/1',
      'chrome://settings',
      'devtools://x',
    ];
    for (const url of others) assert.equal(isRefused(url), true, url);
  });

  test('is switched off in Chromium', () => {
    setupNoNetwork();
    const switches = called('appendSwitch').map(([name, value]) => [name, value]);
    assert.ok(
      switches.some(([name, value]) => name === 'host-resolver-rules' && value === 'MAP * ~NOTFOUND'),
    );
    assert.deepEqual(called('setSpellCheckerEnabled').at(-1), [false]);
    assert.ok(!calls.some(([name]) => name === 'openExternal'));
  });

  test('is not among what a page is permitted', () => {
    setupSession();
    const { permissionRequest, permissionCheck, devicePermission } = session.defaultSession;
    for (const permission of ['media', 'geolocation', 'notifications', 'clipboard-read', 'openExternal']) {
      let allowed: boolean | undefined;
      permissionRequest?.({}, permission, (answer) => (allowed = answer));
      assert.equal(allowed, false, permission);
    }
    assert.deepEqual([permissionCheck?.(), devicePermission?.()], [false, false]);
    const download = preventable();
    session.defaultSession.emit('will-download', download);
    assert.ok(download.defaultPrevented);
  });
});
