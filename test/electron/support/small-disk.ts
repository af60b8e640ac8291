import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { codeOf } from '../../../electron/shared/errors.ts';

/** A disk that can be full. */
export interface SmallDisk {
  path: string;
  /** Leaves no byte free. */
  fill(): void;
  /** Gives back what `fill` took. */
  empty(): void;
}

/** A disk of so many bytes that goes with the test; skips it, and gives nothing, where no test may mount one. */
export function smallDisk(t: TestContext, bytes: number): SmallDisk | undefined {
  const path = mkdtempSync(join(tmpdir(), 'winnow-disk-'));
  t.after(() => {
    spawnSync('umount', ['--lazy', path]);
    rmSync(path, { recursive: true, force: true });
  });
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path], {
    encoding: 'utf8',
  });
  if (mounted.status !== 0) {
    const reason = mounted.error?.message ?? mounted.stderr.trim();
    t.skip(`a disk that can be full needs the right to mount one: ${reason}`);
    return undefined;
  }
  const filler = join(path, 'filler');
  return {
    path,
    fill: () => {
      const file = openSync(filler, 'a');
      try {
        for (let size = 65_536; size >= 1;) if (!wrote(file, size)) size = Math.floor(size / 2);
      } finally {
        closeSync(file);
      }
    },
    empty: () => rmSync(filler, { force: true }),
  };
}

/** Whether all of so many bytes found room. */
function wrote(file: number, size: number): boolean {
  try {
    return writeSync(file, Buffer.alloc(size, 1)) === size;
  } catch (error) {
    if (codeOf(error) === 'ENOSPC') return false;
    throw error;
  }
}
