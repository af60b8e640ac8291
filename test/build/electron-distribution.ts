import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFiles } from '../electron/support/files.ts';

/** What marks the fuses in Electron's binary, then version 1, their number, and `0` for every fuse that is off. */
const SENTINEL = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX';
const FUSES = 9;

/** A folder that looks like Electron's distribution for Linux to whoever packages it; nothing in it runs. */
export function writeElectronDistribution(folder: string, version: string): void {
  const binary = Buffer.concat([
    Buffer.from('\x7fELF stand-in '),
    Buffer.from(SENTINEL),
    Buffer.from([1, FUSES]),
    Buffer.from('0'.repeat(FUSES)),
    Buffer.from(' end'),
  ]);
  writeFiles(folder, {
    version,
    electron: binary,
    'chrome-sandbox': 'stand-in',
    LICENSE: 'stand-in',
    'LICENSES.chromium.html': 'stand-in',
    ...Object.fromEntries(['en-US', 'de', 'fr'].map((name) => [`locales/${name}.pak`, 'stand-in'])),
  });
  writeFileSync(join(folder, 'electron'), binary);
  chmodSync(join(folder, 'electron'), 0o755);
}
