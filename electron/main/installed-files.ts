import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import PQueue from 'p-queue';
import { z } from 'zod';

/** The list of what lies beside the archive, in the archive, where Electron checks it: SHA-256 by path. */
export const INSTALLED_FILES = 'electron/main/installed-files.json';

const READ_AT_ONCE = 4;

/**
 * Files beside the archive of the installed app that are not as they were packed: altered, missing or added. None where the
 * app is no package, which has no such list. `root` is the archive; what is unpacked lies in `<root>.unpacked`.
 */
export async function alteredFiles(root: string): Promise<string[]> {
  const text = await readFile(join(root, INSTALLED_FILES), 'utf8').catch(() => undefined);
  if (text === undefined) return [];
  const listed = z.record(z.string(), z.string()).parse(JSON.parse(text));
  const folder = `${root}.unpacked`;
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const present = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
  const queue = new PQueue({ concurrency: READ_AT_ONCE });
  const altered = await queue.addAll(
    Object.entries(listed).map(([name, hash]) => async () => {
      const found = await sha256(join(folder, name)).catch(() => undefined);
      return found === hash ? [] : [name];
    }),
  );
  return [...altered.flat(), ...present.filter((name) => !(name in listed))].sort();
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}
