/** npm start: builds the app and opens it in Electron; where Electron's binary cannot be had, says what to use instead. */
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { appFolder, buildDesktop } from './desktop.ts';
import { root } from './setup.mjs';

const electronFolder = path.join(root, 'node_modules/electron');

/** The path of Electron's binary, which is fetched when it is started first; undefined where that fails. */
function findElectron(): string | undefined {
  const given = process.env['ELECTRON_OVERRIDE_DIST_PATH']; // a distribution that is at hand
  const binary = () => {
    const place = given ?? path.join(electronFolder, 'dist');
    const name = path.join(electronFolder, 'path.txt');
    const file = path.join(place, fs.existsSync(name) ? fs.readFileSync(name, 'utf8') : 'electron');
    return fs.existsSync(file) ? file : undefined;
  };
  const found = binary();
  if (found !== undefined || given !== undefined) return found;
  spawnSync(process.execPath, [path.join(electronFolder, 'install.js')], {
    stdio: 'ignore',
    timeout: 600_000,
  });
  return binary();
}

async function main(): Promise<void> {
  const electron = findElectron();
  if (electron === undefined) {
    console.log(
      'Electron cannot be fetched here, so use `npm run winnow -- serve`, which shows the same window in a browser.',
    );
    return;
  }
  await buildDesktop();
  const child = spawn(electron, [appFolder], { stdio: 'inherit' });
  child.on('exit', (code) => (process.exitCode = code ?? 1));
}

await main();
