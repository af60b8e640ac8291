import type { exportArguments } from '../../shared/api/exports.ts';
import type { ExportDesk } from '../export/export-desk.ts';
import { resolveFilter } from '../results/resolve-filter.ts';
import { listTransfers } from '../transfer/describe-transfer.ts';
import { planTransfer } from '../transfer/plan-transfer.ts';
import { transferFiles } from '../transfer/transfer-files.ts';
import { undoTransfer } from '../transfer/undo-transfer.ts';
import type { AppContext, Calls } from './app-context.ts';

export function exportCalls(context: AppContext, desk: ExportDesk): Calls<keyof typeof exportArguments> {
  return {
    exportRun: (request) => desk.toPlace(request),
    checkExport: async ({ format, out, force = false }) => {
      await context.outputs.claim({ path: out, command: 'export', format, force });
      return undefined;
    },
    previewExport: ({ runId, columns = 'standard', filter = {} }) =>
      context.ask('previewExport', { run: context.runRow(runId), columns, filter }),
    planTransfer: ({ runId, filter = {}, to }) =>
      planTransfer(context.library, context.runRow(runId), filter, to),
    transferFiles: ({ runId, filter = {}, to, mode }) =>
      desk.cancellable((signal) => {
        const { library } = context;
        const run = context.runRow(runId);
        const total = library.resultQueries.count(runId, resolveFilter(library, run, filter));
        const onProgress = desk.progressTeller();
        const createdAt = context.now();
        return transferFiles(library, run, { filter, to, mode, createdAt, total, signal, onProgress });
      }),
    listTransfers: () => listTransfers(context.library),
    undoTransfer: ({ transferId }) =>
      desk.cancellable((signal) =>
        undoTransfer(context.library, transferId, { signal, onProgress: desk.progressTeller() }),
      ),
    cancelExport: () => desk.cancel(),
  };
}
