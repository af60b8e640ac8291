import { join } from 'node:path';
import { app, dialog } from 'electron';
import { CHANNELS } from '../shared/ipc.ts';
import { runCommand } from './command-line.ts';
import { setupCrashReports } from './crash-sentinel.ts';
import { alteredFiles } from './installed-files.ts';
import { MainWindow } from './main-window.ts';
import { setupMenu } from './menu.ts';
import { setupPaths } from './app-paths.ts';
import { setupQuit } from './quit.ts';
import { setupRunSigns } from './run-signs.ts';
import { setupProtocol, setupScheme } from './scheme.ts';
import { setupService } from './service.ts';
import { setupNoNetwork, setupSession } from './session.ts';
import { setupSingleInstance } from './single-instance.ts';
import { chooseLanguage } from './texts.ts';
import { setupCalls, setupDesktop } from './window-calls.ts';

const root = join(import.meta.dirname, '../..');
const isCommand = runCommand(root);
const paths = setupPaths(root);
const window = new MainWindow(paths);
setupScheme();
setupNoNetwork();
// Electron is not ready before this module has come to its end, so nothing may wait for that here.
if (isCommand || !setupSingleInstance(window)) app.quit();
else start().catch(fail);

async function start(): Promise<void> {
  const sentinel = setupCrashReports(paths);
  await app.whenReady();
  const altered = await alteredFiles(root);
  if (altered.length > 0) {
    fail(new Error(chooseLanguage('system', app.getLocale()).texts.altered(altered)));
    return;
  }
  const service = setupService(paths);
  const { language } = await service.settings({});
  const spoken = chooseLanguage(language, app.getLocale());
  setupSession();
  setupProtocol(paths.window, service.pictures);
  setupCalls(service, window);
  setupDesktop(service, window, spoken.texts);
  setupRunSigns(service, window, spoken);
  setupMenu(window, spoken.texts);
  setupQuit(service, sentinel);
  window.show();
  void service.readAhead();
  const { notice } = sentinel;
  if (notice !== undefined)
    window.browserWindow?.webContents.once('did-finish-load', () =>
      window.send(CHANNELS.event, { type: 'notice', message: notice }),
    );
}

/** Without a service there is no window that could say it. */
function fail(error: unknown): void {
  dialog.showErrorBox('Winnow', error instanceof Error ? error.message : String(error));
  app.exit(1);
}
