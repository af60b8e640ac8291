import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { INSTALLED_FILES } from '../../electron/main/installed-files.ts';

/** Folders of the app that lie beside the archive, since programs that know no archives read them. */
export const UNPACKED = [
  'electron/cli',
  'electron/core',
  'electron/engine',
  'node_modules',
  'out',
  'resources',
];

/**
 * Writes into the archive's part of `app` the SHA-256 of every file that will lie beside the archive: Electron checks what is
 * in it, and Winnow the rest.
 */
export function writeInstalledFiles(app: string): void {
  const entries = UNPACKED.flatMap((folder) =>
    fs
      .readdirSync(path.join(app, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name)),
  );
  const hashes = entries.sort().map((file) => {
    const hash = createHash('sha256').update(fs.readFileSync(file)).digest('hex');
    return [path.relative(app, file).split(path.sep).join('/'), hash] as const;
  });
  fs.writeFileSync(path.join(app, INSTALLED_FILES), JSON.stringify(Object.fromEntries(hashes)));
}
