/** Sorts run 1 of a library, or takes transfer 1 back: `library move|copy folder`, `library undo`, `library open`. */
import { transferFiles } from '../../electron/core/transfer/transfer-files.ts';
import { undoTransfer } from '../../electron/core/transfer/undo-transfer.ts';
import { Library } from '../../electron/core/store/library.ts';

const [path = '', what = '', to = ''] = process.argv.slice(2);
const library = Library.open(path);
const run = library.runs.get(1);
if (run === undefined) throw new Error('There is no run 1');
const { signal } = new AbortController();
const onProgress = () => undefined;
if (what === 'open') process.exit();
if (what === 'undo') await undoTransfer(library, 1, { signal, onProgress });
else {
  const mode = what === 'copy' ? 'copy' : 'move';
  await transferFiles(library, run, {
    filter: {},
    to,
    mode,
    createdAt: '2026-01-01T00:00:00.000Z',
    total: 0,
    signal,
    onProgress,
  });
}
library.close();
