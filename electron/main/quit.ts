import { app } from 'electron';
import type { AppService } from '../core/app-service.ts';
import { pauseRun } from '../serve/pause-run.ts';
import type { CrashSentinel } from './crash-sentinel.ts';

/** Before Winnow ends, a run saves the batches under way; it can be resumed. */
export function setupQuit(service: AppService, sentinel: CrashSentinel): void {
  let isSaved = false;
  let isSaving = false;
  const save = async () => {
    try {
      await pauseRun(service);
      await service.close();
      sentinel.clear();
    } finally {
      isSaved = true;
      app.quit();
    }
  };
  app.on('before-quit', (event) => {
    if (isSaved) return;
    event.preventDefault();
    if (isSaving) return;
    isSaving = true;
    save().catch((error: unknown) => console.error(error)); // it quits all the same; the run can be resumed
  });
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin') app.quit();
  });
}
