import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Library } from '../../../electron/core/store/library.ts';
import { transferFiles } from '../../../electron/core/transfer/transfer-files.ts';

/** Moves the `total` images of run 1 and ends after the first ones, as Ctrl-C does; what a kill leaves, test/crash says. */
export async function interruptSort(data: string, to: string, total: number): Promise<void> {
  const library = Library.open(join(data, 'library.db'));
  const run = library.runs.get(1);
  assert.ok(run !== undefined);
  const controller = new AbortController();
  const cutOff = transferFiles(library, run, {
    filter: {},
    to,
    mode: 'move',
    createdAt: '2026-01-02T03:04:05.000Z',
    total,
    signal: controller.signal,
    onProgress: () => controller.abort(),
  });
  await assert.rejects(cutOff, { code: 'CANCELLED' });
  library.close();
}
