import type { exportArguments } from '../../shared/api/exports.ts';
import { AppError } from '../../shared/errors.ts';
import { exportRun, previewExport } from '../export/export-run.ts';
import { resolveFilter } from '../results/resolve-filter.ts';
import { listTransfers } from '../transfer/describe-transfer.ts';
import { planTransfer } from '../transfer/plan-transfer.ts';
import { transferFiles } from '../transfer/transfer-files.ts';
import { undoTransfer } from '../transfer/undo-transfer.ts';
import type { AppContext, Calls } from './app-context.ts';

const PROGRESS_INTERVAL = 100; // milliseconds between two events

export function exportCalls(context: AppContext): Calls<keyof typeof exportArguments> {
  const underWay = new Set<AbortController>();
  const cancellable = async <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const controller = new AbortController();
    underWay.add(controller);
    try {
      return await work(controller.signal);
    } finally {
      underWay.delete(controller);
    }
  };
  return {
    exportRun: ({ runId, format, out, bom = false, filter = {} }) =>
      cancellable((signal) => {
        const options = { format, out, bom, filter, signal, onProgress: progressTeller(context) };
        const { library, engine } = context;
        return exportRun({ library, engine }, context.runRow(runId), options);
      }),
    previewExport: ({ runId, filter = {} }) => previewExport(context.library, context.runRow(runId), filter),
    planTransfer: ({ runId, filter = {}, to }) =>
      planTransfer(context.library, context.runRow(runId), filter, to),
    transferFiles: ({ runId, filter = {}, to, mode }) =>
      cancellable((signal) => {
        const { library } = context;
        const run = context.runRow(runId);
        const total = library.resultQueries.count(runId, resolveFilter(library, run, filter));
        const onProgress = progressTeller(context);
        const createdAt = context.now();
        return transferFiles(library, run, { filter, to, mode, createdAt, total, signal, onProgress });
      }),
    listTransfers: () => listTransfers(context.library),
    undoTransfer: ({ transferId }) =>
      cancellable((signal) =>
        undoTransfer(context.library, transferId, { signal, onProgress: progressTeller(context) }),
      ),
    cancelExport: () => {
      if (underWay.size === 0) throw new AppError('NOT_FOUND', 'No export is under way here');
      for (const controller of underWay) controller.abort();
      return undefined;
    },
  };
}

/** Tells of the progress, not too often, and always of its end. */
function progressTeller(context: AppContext): (done: number, total: number) => void {
  let last = -Infinity;
  return (done, total) => {
    const now = context.clock();
    if (now - last < PROGRESS_INTERVAL && done < total) return;
    last = now;
    context.emit({ type: 'exporting', done, total });
  };
}
