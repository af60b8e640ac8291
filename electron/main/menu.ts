import { join } from 'node:path';
import { app, Menu } from 'electron';
import type { MenuItemConstructorOptions } from 'electron';
import { CHANNELS } from '../shared/ipc.ts';
import type { MenuCommand } from '../shared/window-bridge.ts';
import { installCommand } from './install-command.ts';
import type { MainWindow } from './main-window.ts';
import type { Texts } from './texts.ts';

/** The native menu; its commands are the page's to carry out. */
export function setupMenu(window: MainWindow, texts: Texts): void {
  const isMac = process.platform === 'darwin';
  const command = (
    id: MenuCommand,
    accelerator: string,
    isShownOnly = false,
  ): MenuItemConstructorOptions => ({
    id,
    label: texts[id],
    accelerator,
    registerAccelerator: !isShownOnly,
    click: () => {
      window.show();
      window.send(CHANNELS.menu, id);
    },
  });
  const separator: MenuItemConstructorOptions = { type: 'separator' };
  const settings = command('settings', 'CommandOrControl+,');
  const file: MenuItemConstructorOptions[] = [
    command('addFolder', 'CommandOrControl+O'),
    command('newRun', 'CommandOrControl+N'),
    command('export', 'CommandOrControl+E'),
    ...(isMac ? [] : [separator, settings]),
    separator,
    { role: isMac ? 'close' : 'quit' },
  ];
  // The page hears these keys itself: in a text field they mean the text.
  const edit: MenuItemConstructorOptions[] = [
    command('undo', 'CommandOrControl+Z', true),
    command('redo', isMac ? 'Shift+Command+Z' : 'Control+Y', true),
    separator,
    ...(['cut', 'copy', 'paste', 'selectAll'] as const).map((role) => ({ role })),
  ];
  const view: MenuItemConstructorOptions[] = [
    ...(['resetZoom', 'zoomIn', 'zoomOut'] as const).map((role) => ({ role })),
    separator,
    { role: 'togglefullscreen' },
    ...(app.isPackaged ? [] : [separator, { role: 'toggleDevTools' as const }]),
  ];
  const ofMac: MenuItemConstructorOptions = {
    label: app.name,
    submenu: [
      { role: 'about' },
      separator,
      settings,
      {
        id: 'installCommand',
        label: texts.installCommand,
        click: () => void installCommand(join(app.getPath('exe'), '../..'), texts),
      },
      separator,
      ...(['hide', 'hideOthers', 'unhide'] as const).map((role) => ({ role })),
      separator,
      { role: 'quit' },
    ],
  };
  const template: MenuItemConstructorOptions[] = [
    ...(isMac ? [ofMac] : []),
    { label: texts.file, submenu: file },
    { label: texts.edit, submenu: edit },
    { label: texts.view, submenu: view },
    { label: texts.help, role: 'help', submenu: [command('keys', 'CommandOrControl+/'), { role: 'about' }] },
  ];
  Menu.setApplicationMenu(Menu.buildFromTemplate(template));
}
