import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import PQueue from 'p-queue';
import { z } from 'zod';
import { sha256OfFile } from '../core/packages/sha256.ts';

/** The list of what lies beside the archive, in the archive, where Electron checks it: SHA-256 by path. */
export const INSTALLED_FILES = 'electron/main/installed-files.json';

const READ_AT_ONCE = 4;

/**
 * Where the app's folder or archive has what native code, threads and other programs read, which cannot look into archives.
 */
export function unpackedOf(root: string): string {
  return root.replace(/app\.asar$/, 'app.asar.unpacked');
}

/** Comes back when all files beside the archive are as they were packed; rejects with a sentence when some are not. */
export async function requireUnaltered(root: string, sentence: (altered: string[]) => string): Promise<void> {
  const altered = await alteredFiles(root);
  if (altered.length > 0) throw new Error(sentence(altered));
}

/**
 * Files beside the archive of the installed app that are not as they were packed: altered, missing or added. None where the
 * app is no package, which has no such list. `root` is the archive; what is unpacked lies beside it.
 */
export async function alteredFiles(root: string): Promise<string[]> {
  const text = await readFile(join(root, INSTALLED_FILES), 'utf8').catch(() => undefined);
  if (text === undefined) return [];
  const listed = z.record(z.string(), z.string()).parse(JSON.parse(text));
  const folder = unpackedOf(root);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const present = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
  const queue = new PQueue({ concurrency: READ_AT_ONCE });
  const altered = await queue.addAll(
    Object.entries(listed).map(([name, hash]) => async () => {
      const found = await sha256OfFile(join(folder, name)).catch(() => undefined);
      return found === hash ? [] : [name];
    }),
  );
  return [...altered.flat(), ...present.filter((name) => !(name in listed))].sort();
}
