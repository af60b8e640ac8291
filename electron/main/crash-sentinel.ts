import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crashReporter } from 'electron';
import type { AppPaths } from './app-paths.ts';
import { PRIVATE_FOLDER } from '../core/files/private.ts';

export interface CrashSentinel {
  /** What to tell the person when Winnow did not end properly last time. */
  notice: string | undefined;
  /** Says that Winnow ends properly. */
  clear(): void;
}

/** Keeps dumps of crashes on this computer, and notices when the app before this one did not come to its end. */
export function setupCrashReports({ data, crashes }: AppPaths): CrashSentinel {
  crashReporter.start({ uploadToServer: false, submitURL: '' });
  const path = join(data, 'running');
  const notice = existsSync(path)
    ? `Winnow did not end properly last time. What was saved is there; if it crashed, a dump lies in ${crashes}.`
    : undefined;
  mkdirSync(data, PRIVATE_FOLDER);
  writeFileSync(path, `${process.pid}\n`);
  return { notice, clear: () => rmSync(path, { force: true }) };
}
