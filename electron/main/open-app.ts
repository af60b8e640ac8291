import { app } from 'electron';
import { CHANNELS } from '../shared/ipc.ts';
import type { AppPaths } from './app-paths.ts';
import { setupCrashReports } from './crash-sentinel.ts';
import { requireUnaltered } from './installed-files.ts';
import type { MainWindow } from './main-window.ts';
import { setupMenu } from './menu.ts';
import { setupQuit } from './quit.ts';
import { setupRunSigns } from './run-signs.ts';
import { setupProtocol } from './scheme.ts';
import { setupService } from './service.ts';
import { setupSession } from './session.ts';
import { chooseLanguage } from './texts.ts';
import { setupCalls, setupDesktop } from './window-calls.ts';

/**
 * Opens the window, and checks meanwhile that the installation is whole, which takes as long as 110 MB are hashed: until then
 * nothing is answered for which files beside the archive are loaded. Rejects with what the person is to be told.
 */
export async function openApp(root: string, paths: AppPaths, window: MainWindow): Promise<void> {
  const sentinel = setupCrashReports(paths);
  await app.whenReady();
  const { altered } = chooseLanguage('system', app.getLocale()).texts;
  const checked = requireUnaltered(root, altered);
  checked.catch(() => undefined); // it is awaited below
  const service = setupService(paths);
  const { language } = await service.settings({});
  const spoken = chooseLanguage(language, app.getLocale());
  setupSession();
  setupProtocol(paths.window, service.pictures, checked);
  setupCalls(service, window, checked);
  setupDesktop(service, window, { texts: spoken.texts, checked });
  setupRunSigns(service, window, spoken);
  setupMenu(window, spoken.texts);
  setupQuit(service, sentinel);
  window.show();
  const { notice } = sentinel;
  if (notice !== undefined)
    window.browserWindow?.webContents.once('did-finish-load', () =>
      window.send(CHANNELS.event, { type: 'notice', message: notice }),
    );
  await checked;
  void service.readAhead();
}
