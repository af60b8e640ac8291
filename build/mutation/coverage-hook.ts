import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';

// Loaded before a test, in all of its threads: writes down which mutants lie where it came by.
const folder = process.env['WINNOW_MUTATION_COVERAGE'];

/** Where Stryker's instrumented code counts. */
interface Counted {
  __stryker__?: { mutantCoverage?: { static: Record<string, number> } };
}

process.on('exit', () => {
  if (folder === undefined) return;
  const ids = Object.keys((globalThis as Counted).__stryker__?.mutantCoverage?.static ?? {});
  writeFileSync(join(folder, `${process.pid}-${threadId}.json`), JSON.stringify(ids));
});
