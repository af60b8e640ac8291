import type { downloadArguments } from '../../shared/api/downloads.ts';
import type { Calls } from '../app/app-context.ts';
import type { DownloadService } from '../services/download-service.ts';

export function downloadCalls(downloads: DownloadService): Calls<keyof typeof downloadArguments> {
  return {
    availableModels: () => downloads.available(),
    startDownload: ({ model }) => downloads.start(model),
    pauseDownload: async ({ model }) => {
      await downloads.pause(model);
      return undefined;
    },
    cancelDownload: async ({ model }) => {
      await downloads.cancel(model);
      return undefined;
    },
    exportModel: ({ model, folder }) => downloads.export(model, folder),
  };
}
