import { app } from 'electron';
import type { MainWindow } from './main-window.ts';

/** False when Winnow runs already on the same data: that one comes to the front, and this one must end. */
export function setupSingleInstance(window: MainWindow): boolean {
  if (!app.requestSingleInstanceLock()) return false;
  const show = () => {
    if (app.isReady()) window.show();
  };
  app.on('second-instance', show);
  app.on('activate', show);
  return true;
}
