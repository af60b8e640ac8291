import { lookAt } from '../files/file-identity.ts';
import type { TransferSummary } from '../../shared/api/exports.ts';
import { AppError } from '../../shared/errors.ts';
import { isLockHeld } from '../store/exclusive-lock.ts';
import type { Library } from '../store/library.ts';
import type { TransferRow } from '../store/tables/transfers.ts';

/** Failures that are listed. */
const TOLD_FAILURES = 1000;

/** A transfer as it stands in the library, and of files that a process was killed at as they lie. Rejects with NOT_FOUND. */
export async function describeTransfer(library: Library, id: number): Promise<TransferSummary> {
  const { target, mode, createdAt, state, runId } = transferRow(library, id);
  let files = library.transfers.countDone(id);
  for (const { place } of library.transfers.underWay(id)) {
    if ((await lookAt(place)) === undefined) files--;
  }
  const failures = library.transfers
    .failed(id, TOLD_FAILURES)
    .map(({ source, error }) => ({ path: source, error: error ?? '' }));
  return {
    transferId: id,
    to: target,
    mode,
    createdAt,
    files,
    failures,
    undone: false,
    interrupted: state === 'done' || isLockHeld(transferLock(library)) ? undefined : state,
    resumable: state === 'transferring' && runId !== null,
  };
}

/** Transfers that can be undone, the last first; with those that were cut off before they had put a file anywhere. */
export async function listTransfers(library: Library): Promise<TransferSummary[]> {
  const summaries = await Promise.all(library.transfers.all().map(({ id }) => describeTransfer(library, id)));
  return summaries.filter(({ files, interrupted }) => files > 0 || interrupted !== undefined);
}

/** The file whose lock is held by who transfers images of a library. */
export function transferLock({ path }: Pick<Library, 'path'>): string {
  return `${path}-transfer`;
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
