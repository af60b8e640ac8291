import type { exportArguments } from '../../shared/api/exports.ts';
import type { ResultFilter } from '../../shared/api/results.ts';
import type { RunRow } from '../store/tables/runs.ts';
import type { WorkOptions } from '../transfer/transfer-files.ts';
import type { ExportService } from '../services/export-service.ts';
import { findTableFormat, formatInfo, formatsOf } from '../export/formats.ts';
import { resolveFilter } from '../results/resolve-filter.ts';
import { listTransfers } from '../transfer/describe-transfer.ts';
import { planTransfer } from '../transfer/plan-transfer.ts';
import { resumeTransfer, transferFiles } from '../transfer/transfer-files.ts';
import { undoTransfer } from '../transfer/undo-transfer.ts';
import type { AppContext, Calls } from '../app/app-context.ts';

export function exportCalls(
  context: AppContext,
  exportService: ExportService,
): Calls<keyof typeof exportArguments> {
  const workOptions = (run: RunRow, filter: ResultFilter, signal: AbortSignal): WorkOptions => ({
    total: context.library.resultQueries.count(run.id, resolveFilter(context.library, run, filter)),
    signal,
    onProgress: exportService.progressTeller(),
  });
  return {
    exportRun: (request) => exportService.toPlace(request),
    exportFormats: ({ runId }) => {
      const { spec } = context.runRow(runId);
      return formatsOf(context.library.models.get(spec.modelSha256).manifest.task).map(formatInfo);
    },
    checkExport: async ({ format, out, force = false }) => {
      findTableFormat(format);
      await context.outputs.claim({ path: out, command: 'export', format, force });
      return undefined;
    },
    previewExport: ({ runId, columns = 'standard', filter = {} }) =>
      context.ask('previewExport', { run: context.runRow(runId), columns, filter }),
    planTransfer: ({ runId, filter = {}, to }) =>
      planTransfer(context.library, context.runRow(runId), filter, to),
    transferFiles: ({ runId, filter = {}, to, mode }) =>
      exportService.cancellable((signal) => {
        const run = context.runRow(runId);
        const options = { filter, to, mode, createdAt: context.now() };
        return transferFiles(context.library, run, { ...options, ...workOptions(run, filter, signal) });
      }),
    resumeTransfer: ({ transferId }) =>
      exportService.cancellable((signal) =>
        resumeTransfer(context.library, transferId, ({ runId, filter }) => {
          const run = context.runRow(runId);
          return { run, options: workOptions(run, filter, signal) };
        }),
      ),
    listTransfers: () => listTransfers(context.library),
    undoTransfer: ({ transferId }) =>
      exportService.cancellable((signal) =>
        undoTransfer(context.library, transferId, { signal, onProgress: exportService.progressTeller() }),
      ),
    cancelExport: () => exportService.cancel(),
  };
}
