import type { TransferSummary } from '../../shared/api/exports.ts';
import { AppError } from '../../shared/errors.ts';
import type { Library } from '../store/library.ts';
import type { TransferRow } from '../store/transfers.ts';

/** Failures that are listed. */
const TOLD_FAILURES = 1000;

/** A transfer as it stands in the library. Throws NOT_FOUND. */
export function describeTransfer(library: Library, id: number): TransferSummary {
  const { target, mode, createdAt } = transferRow(library, id);
  const failures = library.transfers
    .failed(id, TOLD_FAILURES)
    .map(({ source, error }) => ({ path: source, error: error ?? '' }));
  return {
    ...{ transferId: id, to: target, mode, createdAt },
    ...{ files: library.transfers.countDone(id), failures, undone: false },
  };
}

/** Transfers that can be undone, the last first. */
export function listTransfers(library: Library): TransferSummary[] {
  return library.transfers
    .all()
    .map(({ id }) => describeTransfer(library, id))
    .filter(({ files }) => files > 0);
}

/** Throws NOT_FOUND. */
export function transferRow(library: Library, id: number): TransferRow {
  const row = library.transfers.get(id);
  if (row !== undefined) return row;
  throw new AppError(
    'NOT_FOUND',
    `There is no transfer ${id} that can be undone`,
    '`winnow unsort` lists them.',
  );
}
