import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Writes files below `folder`, with the folders that they need: relative path -> content. */
export function writeFiles(folder: string, files: Record<string, string | Uint8Array>): void {
  for (const [relativePath, content] of Object.entries(files)) {
    const path = join(folder, relativePath);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
}

/** Test data beside the repository that is too large or too foreign to be in it; `skip` where it is absent. */
export function sharedData(name: string): { path: string; skip: string | false } {
  const path = fileURLToPath(new URL(`../../../../shared/${name}`, import.meta.url));
  return { path, skip: existsSync(path) ? false : `../shared/${name} is not on this machine` };
}
