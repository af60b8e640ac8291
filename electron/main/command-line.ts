import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { app } from 'electron';
import { unpackedOf } from './installed-files.ts';

/**
 * Carries out a command that the installed program was started with, such as `Winnow.AppImage runs`, and ends with its exit
 * code; false when there is none, and a window is wanted. The command runs in a process that is Node alone: what it prints
 * goes where this one's would, and no window or display is needed. Launchers start that process at once
 * (build/package/command).
 */
export function runCommand(root: string, argv: readonly string[] = process.argv): boolean {
  const [, ...args] = argv;
  const [first] = args;
  // What begins with a dash are switches for Chromium; a program that is no package is started with its folder.
  if (!app.isPackaged || first === undefined || first.startsWith('-')) return false;
  const { status, error } = spawnSync(
    process.execPath,
    [join(unpackedOf(root), 'electron/cli/winnow.mjs'), ...args],
    { stdio: 'inherit', env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' } },
  );
  if (error) process.stderr.write(`winnow: the command cannot be started (${error.message}).\n`);
  app.exit(status ?? 1);
  return true;
}
