import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new folder that is removed when the test ends. */
export function temporaryFolder(t: { after: (work: () => void) => unknown }): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'winnow-test-')));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
