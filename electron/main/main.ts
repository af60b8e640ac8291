import { app, dialog } from 'electron';
import { CHANNELS } from '../shared/ipc.ts';
import { setupCrashReports } from './crash-sentinel.ts';
import { MainWindow } from './main-window.ts';
import { setupMenu } from './menu.ts';
import { setupPlaces } from './places.ts';
import { setupQuit } from './quit.ts';
import { setupRunSigns } from './run-signs.ts';
import { setupProtocol, setupScheme } from './scheme.ts';
import { setupService } from './service.ts';
import { setupNoNetwork, setupSession } from './session.ts';
import { setupSingleInstance } from './single-instance.ts';
import { chooseLanguage } from './texts.ts';
import { setupCalls, setupDesktop } from './window-calls.ts';

const places = setupPlaces();
const window = new MainWindow(places);
setupScheme();
setupNoNetwork();
// Electron is not ready before this module has come to its end, so nothing may wait for that here.
if (setupSingleInstance(window)) start().catch(fail);
else app.quit();

async function start(): Promise<void> {
  const sentinel = setupCrashReports(places);
  await app.whenReady();
  const service = setupService(places);
  const { language } = await service.settings({});
  const spoken = chooseLanguage(language, app.getLocale());
  setupSession();
  setupProtocol(places.window, service.pictures);
  setupCalls(service, window);
  setupDesktop(service, window, spoken.texts);
  setupRunSigns(service, window, spoken);
  setupMenu(window, spoken.texts);
  setupQuit(service, sentinel);
  window.show();
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
