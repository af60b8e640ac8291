import { appApiArguments, checkArguments } from '../shared/app-api.ts';
import type { AppApi, AppCall } from '../shared/app-api.ts';
import { AppContext } from './app/app-context.ts';
import type { AppServiceParts, Calls } from './app/app-context.ts';
import { downloadCalls } from './calls/download-calls.ts';
import { exportCalls } from './calls/export-calls.ts';
import { folderCalls } from './calls/folder-calls.ts';
import { labelCalls } from './calls/label-calls.ts';
import { modelCalls } from './calls/model-calls.ts';
import { attentionCalls } from './calls/attention-calls.ts';
import { resultCalls } from './calls/result-calls.ts';
import { reviewCalls } from './calls/review-calls.ts';
import { runCalls } from './calls/run-calls.ts';
import { settingsCalls } from './calls/settings-calls.ts';
import { trainingCalls } from './calls/training-calls.ts';
import { DownloadService } from './services/download-service.ts';
import type { DownloadOptions } from './services/download-service.ts';
import { ExportService } from './services/export-service.ts';
import { LabelService } from './services/label-service.ts';
import { DailyBackup } from './library/daily-backup.ts';
import { PictureSource, thumbnailFolder } from './pictures/picture-source.ts';
import { RunService } from './services/run-service.ts';
import { RunQueue } from './services/run-queue.ts';
import { toLibraryError } from './store/library-error.ts';
import { TrainingService } from './services/training-service.ts';

/** The app without a window: AppApi over a library, an engine and a model registry. */
export type AppService = AppApi & {
  /** Pictures of the library for the screen. */
  pictures: PictureSource;
  /** Exports as text to whoever takes it piece by piece, such as standard output; what a window must not ask for. */
  exportText: ExportService['toText'];
  /** Has the last run read before its results are looked at; for a window that opens. */
  readAhead(): Promise<void>;
  /** The same calls for one that asks beside others, such as a window: what it asks for anew ends for it alone. */
  connect(): AppApi & { disconnect(): void };
  /** Closes engine, trainer and library; runs and a training under way are paused and can be resumed. */
  close(): Promise<void>;
};

/** Calls that change what a person could miss: before the first of a day, the library is backed up. */
const CHANGING: ReadonlySet<AppCall> = new Set<AppCall>([
  ...(['run', 'resume', 'evaluate', 'queueRun', 'queueResume', 'removeRun'] as const),
  ...(['addFolder', 'rescanFolder', 'removeFolder', 'review', 'undoReview', 'redoReview'] as const),
  ...(['transferFiles', 'resumeTransfer', 'undoTransfer', 'importLabels'] as const),
]);

/** Calls that a window needs to show that the library is being brought up to date. */
const WITHOUT_LIBRARY: ReadonlySet<AppCall> = new Set<AppCall>(['settings']);

/** Every call checks its arguments on arrival; what SQLite throws becomes an AppError. */
export function createAppService(parts: AppServiceParts & { downloads?: DownloadOptions }): AppService {
  const context = new AppContext(parts);
  const runService = new RunService(context);
  const queue = new RunQueue(context, runService);
  const trainings = new TrainingService(context);
  const pictures = pictureSource(context, trainings);
  const exports = new ExportService(context);
  const downloads = new DownloadService(context, parts.downloads);
  const labels = new LabelService(context);
  const dailyBackup = new DailyBackup(context.clock, (message) => context.emit({ type: 'notice', message }));
  const calls: Calls<AppCall> = {
    ...runCalls(context, runService, queue),
    ...labelCalls(labels),
    ...modelCalls(context, downloads),
    ...downloadCalls(downloads),
    ...exportCalls(context, exports),
    ...folderCalls(context),
    ...resultCalls(context),
    ...attentionCalls(context, runService),
    ...reviewCalls(context),
    ...settingsCalls(context, { runService, pictures, dailyBackup }),
    ...trainingCalls(context, trainings),
  };
  context.engine.onCrash((reason) =>
    context.emit({ type: 'notice', message: `The engine is started again: ${reason}` }),
  );
  const answer = async (name: AppCall, request: unknown, asker: AbortSignal) => {
    try {
      const call = calls[name] as (checked: unknown, asker: AbortSignal) => unknown;
      const checked = checkArguments(appApiArguments[name], request);
      if (!WITHOUT_LIBRARY.has(name)) await context.prepareLibrary();
      if (CHANGING.has(name) && context.libraryExists) {
        context.library.requireWritable();
        dailyBackup.beginIfDue(context.library);
      }
      return await call(checked, asker);
    } catch (error) {
      throw toLibraryError(error, context.libraryPath);
    }
  };
  const names = Object.keys(appApiArguments) as AppCall[];
  const subscribe: AppApi['subscribe'] = (listener) => context.subscribe(listener);
  const apiFor = (asker: AbortSignal): AppApi => {
    const api = names.map((name) => [name, (request: unknown) => answer(name, request, asker)] as const);
    return { ...(Object.fromEntries(api) as unknown as Omit<AppApi, 'subscribe'>), subscribe };
  };
  return {
    ...apiFor(new AbortController().signal),
    connect: () => {
      const asker = new AbortController();
      return { ...apiFor(asker.signal), disconnect: () => asker.abort() };
    },
    pictures,
    exportText: async (request, write) => {
      await context.prepareLibrary();
      return exports.toText(request, write);
    },
    readAhead: async () => {
      try {
        await context.prepareLibrary();
        if (context.libraryExists) context.readAhead(context.library.runs.all().at(-1));
      } catch {
        // A library that cannot be opened: what needs it says why.
      }
    },
    close: async () => {
      const ended = Promise.all([
        runService.close(),
        queue.close(),
        labels.close(),
        dailyBackup.settled(),
        trainings.close(),
        downloads.close(),
      ]);
      await context.engine.close();
      await ended;
      await context.trainer.close();
      await context.closeReaders();
      context.closeLibrary();
    },
  };
}

function pictureSource(context: AppContext, trainings: TrainingService): PictureSource {
  return new PictureSource({
    library: () => context.library,
    locateTrainingPicture: (trainingId, index) => trainings.locatePicture(trainingId, index),
    engine: context.engine,
    clock: context.clock,
    cacheFolder: thumbnailFolder(context.folders.data),
    cacheBytes: () => context.settings.read().thumbnailCacheBytes,
    onCacheFailure: (message) => context.emit({ type: 'notice', message }),
  });
}
