import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT } from '../../../electron/cli/exit.ts';
import { winnow } from '../../electron/support/command-line.ts';
import { everyday10 } from '../../electron/support/models.ts';

/**
 * Labels a folder by the command line, once with each preset: runs 1, 2, ... of the library in `data`. The model is that of
 * the tests, whose labels do not change.
 */
export async function label(data: string, folder: string, ...presets: string[]): Promise<void> {
  for (const preset of presets) {
    const { code, stderr } = await winnow(data, 'run', folder, '--model', everyday10, '--preset', preset);
    assert.ok(code === EXIT.done || code === EXIT.someImagesFailed, stderr);
  }
}

/** Windows over this data folder speak German. */
export function speakGerman(data: string): void {
  mkdirSync(data, { recursive: true });
  writeFileSync(join(data, 'settings.json'), JSON.stringify({ language: 'de' }));
}
