import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

/**
 * Installs the npm packages of a folder that has a lock file of its own, unless they are there, after saying so.
 * `environment`: beside this process's. Gives npm's complaint when it fails.
 */
export function installOwnPackages(
  folder: string,
  announcement: string,
  environment: Record<string, string> = {},
): string | undefined {
  if (fs.existsSync(path.join(folder, 'node_modules/.package-lock.json'))) return undefined;
  console.log(announcement);
  const { status, stderr } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: folder,
    env: { ...process.env, ...environment },
    encoding: 'utf8',
  });
  return status === 0 ? undefined : stderr;
}
