/** Programs for Windows on Wine, in an installation of it that is ours alone. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { windowsFolder } from './libraries.ts';

const prefix = path.join(windowsFolder, 'wine');

/** Where Debian puts it, which is on nobody's path. */
export const wine = '/usr/lib/wine/wine64';
const wineServer = '/usr/lib/wine/wineserver64';

export interface Outcome {
  status: number | null;
  output: string; // standard output, then what went wrong
}

/** Variables for a program on Wine; `folders` hold the DLLs that it needs. */
export function wineEnvironment(folders: readonly string[]): NodeJS.ProcessEnv {
  const winePath = folders.map((folder) => windowsPath(folder)).join(';');
  return { ...process.env, WINEPREFIX: prefix, WINEPATH: winePath, WINEDEBUG: '-all', DISPLAY: '' };
}

/** A path of this system as Wine's programs name it. */
export function windowsPath(place: string): string {
  return `Z:${path.resolve(place).replaceAll('/', '\\')}`;
}

/** Runs a program to its end. Its output goes into a file: Node on Wine knows no pipes of Linux. */
export function runLogged(
  command: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv; minutes: number },
): Outcome {
  const log = path.join(windowsFolder, 'program.log');
  const file = fs.openSync(log, 'w');
  const [program = '', ...args] = command;
  try {
    const { status, signal, error } = spawnSync(program, args, {
      cwd: options.cwd,
      env: options.env,
      stdio: ['ignore', file, file],
      timeout: options.minutes * 60_000,
    });
    const end = error?.message ?? (signal === null ? '' : `ended by ${signal}`);
    return { status, output: `${fs.readFileSync(log, 'utf8')}${end}` };
  } finally {
    fs.closeSync(file);
  }
}

/** Makes the installation, which says that it is Windows 10: Node asks for that. Throws when Wine does not start. */
export function startWine(): void {
  fs.mkdirSync(prefix, { recursive: true });
  const version = ['reg', 'add', 'HKCU\\Software\\Wine', '/v', 'Version', '/d', 'win10', '/f'];
  for (const command of [['wineboot', '--init'], version]) {
    const settings = { cwd: windowsFolder, env: wineEnvironment([]), minutes: 5 };
    const { status, output } = runLogged([wine, ...command], settings);
    if (status !== 0) throw new Error(`${wine} ${command.join(' ')} failed:\n${output}`);
  }
}

/** Ends what is left of this installation's programs. */
export function stopWine(): void {
  spawnSync(wineServer, ['--kill'], { env: wineEnvironment([]), stdio: 'ignore' });
}
