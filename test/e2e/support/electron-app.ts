import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { _electron } from 'playwright-core';
import type { ElectronApplication } from 'playwright-core';
import { alone, root } from '../../../build/setup.mjs';

const binary = findBinary();

/** Why tests in Electron cannot run here; false where they can. */
export const withoutElectron = binary === undefined ? 'the binary of Electron is not installed' : false;

/** The path of Electron's binary, without fetching it. */
function findBinary(): string | undefined {
  const folder = join(createRequire(import.meta.url).resolve('electron/package.json'), '..');
  const name = join(folder, 'path.txt');
  const file = join(folder, 'dist', existsSync(name) ? readFileSync(name, 'utf8') : 'electron');
  return existsSync(file) ? file : undefined;
}

/** Starts the app on the library in `data`, in English. */
export function openElectron(data: string): Promise<ElectronApplication> {
  buildOnce();
  return _electron.launch({
    ...(binary === undefined ? {} : { executablePath: binary }),
    args: [join(root, 'out/app'), '--lang=en-US', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
    env: { ...(process.env as Record<string, string>), WINNOW_DATA: data },
  });
}

/** Builds out/app, once for all test files of a run: they have one parent process. */
function buildOnce(): void {
  const stamp = join(root, 'out/app.tested');
  const isBuilt = () => existsSync(stamp) && readFileSync(stamp, 'utf8') === String(process.ppid);
  if (isBuilt()) return;
  alone(() => {
    if (isBuilt()) return;
    const program = "import('./build/desktop.ts').then(({ buildDesktop }) => buildDesktop())";
    const { status, stderr } = spawnSync(process.execPath, ['-e', program], { cwd: root, encoding: 'utf8' });
    if (status !== 0) throw new Error(`The app cannot be built: ${stderr}`);
    writeFileSync(stamp, String(process.ppid));
  });
}

/** Makes the app's next dialog for opening answer with a path, as if the person had chosen it. */
export async function answerDialog(app: ElectronApplication, path: string): Promise<void> {
  await app.evaluate(({ dialog }, chosen) => {
    dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [chosen] });
  }, path);
}
