import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/**
 * A folder on another drive than temporary ones, gone when the test ends: a file system in memory; undefined where there is
 * none.
 */
export function otherDrive(t: Pick<TestContext, 'after'>): string | undefined {
  const mounted = realpathSync(mkdtempSync(join(tmpdir(), 'winnow-drive-')));
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'winnow-test', mounted], { stdio: 'ignore' });
    t.after(() => {
      execFileSync('umount', [mounted]);
      rmSync(mounted, { recursive: true });
    });
    return mounted;
  } catch {
    rmSync(mounted, { recursive: true }); // mounting is the system administrator's
  }
  const shared = statSync('/dev/shm', { throwIfNoEntry: false });
  if (shared === undefined || shared.dev === statSync(tmpdir()).dev) return undefined;
  const made = realpathSync(mkdtempSync('/dev/shm/winnow-drive-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}
