import assert from 'node:assert/strict';
import { EXIT } from '../../../electron/cli/exit.ts';
import { winnow } from '../../electron/support/command-line.ts';

/** Labels a folder by the command line, once with each preset: runs 1, 2, ... of the library in `data`. */
export async function label(data: string, folder: string, ...presets: string[]): Promise<void> {
  for (const preset of presets) {
    const { code, stderr } = await winnow(data, 'run', folder, '--preset', preset);
    assert.ok(code === EXIT.done || code === EXIT.someImagesFailed, stderr);
  }
}
