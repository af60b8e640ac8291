import { join } from 'node:path';
import { app, dialog } from 'electron';
import { runCommand } from './command-line.ts';
import { MainWindow } from './main-window.ts';
import { openApp } from './open-app.ts';
import { setupPaths } from './app-paths.ts';
import { setupScheme } from './scheme.ts';
import { setupNoNetwork } from './session.ts';
import { setupSingleInstance } from './single-instance.ts';

const root = join(import.meta.dirname, '../..');
const isCommand = runCommand(root);
const paths = setupPaths(root);
const window = new MainWindow(paths);
setupScheme();
setupNoNetwork();
// Electron is not ready before this module has come to its end, so nothing may wait for that here.
if (isCommand || !setupSingleInstance(window)) app.quit();
else openApp(root, paths, window).catch(fail);

/** Without a service, or with files that are not Winnow's own, no window should say it. */
function fail(error: unknown): void {
  dialog.showErrorBox('Winnow', error instanceof Error ? error.message : String(error));
  app.exit(1);
}
