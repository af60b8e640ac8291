import '../support/electron-hooks.ts';
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { CHANNELS } from '../../../electron/shared/ipc.ts';
import type { WindowBridge } from '../../../electron/shared/window-bridge.ts';
import { called, ipcRenderer, page } from '../support/electron-double.ts';

await import('../../../electron/preload/preload.ts');
const bridge = page['winnow'] as WindowBridge;

suite('the bridge of the page', () => {
  test('is all that the page gets', () => {
    assert.deepEqual(Object.keys(page), ['winnow']);
    assert.deepEqual(Object.keys(bridge), ['call', 'subscribe', 'desktop']);
  });

  test('asks the main process on its own channels', async () => {
    await bridge.call('listRuns', {});
    await bridge.desktop?.chooseFolders();
    await bridge.desktop?.chooseFile('model');
    await bridge.desktop?.chooseSaveFile('labels.csv');
    await bridge.desktop?.showInFolder(3);
    await bridge.desktop?.changeText('undo');
    assert.deepEqual(called('invoke'), [
      [CHANNELS.call, 'listRuns', {}],
      [CHANNELS.chooseFolders],
      [CHANNELS.chooseFile, 'model'],
      [CHANNELS.chooseSaveFile, 'labels.csv'],
      [CHANNELS.showInFolder, 3],
      [CHANNELS.changeText, 'undo'],
    ]);
  });

  test('hears events until it wants no more, and never the event of Electron', () => {
    const heard: unknown[][] = [];
    const hear = (...values: unknown[]) => void heard.push(values);
    const stops = [bridge.subscribe(hear), bridge.desktop?.onMenu(hear)];
    ipcRenderer.emit(CHANNELS.event, { sender: 'electron' }, { type: 'notice', message: 'one' });
    ipcRenderer.emit(CHANNELS.menu, { sender: 'electron' }, 'undo');
    for (const stop of stops) stop?.();
    ipcRenderer.emit(CHANNELS.event, {}, { type: 'notice', message: 'two' });
    ipcRenderer.emit(CHANNELS.menu, {}, 'redo');
    assert.deepEqual(heard, [[{ type: 'notice', message: 'one' }], ['undo']]);
  });

  test('tells the paths of what was dropped', () => {
    const files = [{ name: 'a', path: '/pictures/a' }, { name: 'made by a page' }] as unknown as File[];
    assert.deepEqual(bridge.desktop?.droppedFolders(files), ['/pictures/a']);
  });
});
