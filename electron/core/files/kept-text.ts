import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { KeptText } from '../../shared/kept-text.ts';
import { writeFileWhole } from './write-file.ts';
import { PRIVATE_FOLDER } from './private.ts';

/** A text that Winnow keeps for itself, in a file that is written as a whole. */
export function keptText(path: string): KeptText {
  return {
    read: () => {
      try {
        return readFileSync(path, 'utf8');
      } catch {
        return undefined;
      }
    },
    write: async (text) => {
      await mkdir(dirname(path), PRIVATE_FOLDER);
      await writeFileWhole(path, [text]);
    },
  };
}
