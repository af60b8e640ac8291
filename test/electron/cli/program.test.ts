import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { Command } from 'commander';
import { commandLine } from '../../../electron/cli/program.ts';
import { winnow } from '../support/command-line.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Every command that does something, with those that it belongs to. */
function leaves(command: Command, path: Command[] = []): Command[][] {
  const own = [...path, command];
  return command.commands.length === 0 ? [own] : command.commands.flatMap((one) => leaves(one, own));
}

suite('the commands', () => {
  test('all take --library, on themselves or what they belong to', () => {
    const without = leaves(commandLine(() => undefined)).filter(
      (path) => !path.some(({ options }) => options.some(({ long }) => long === '--library')),
    );
    assert.deepEqual(
      without.map((path) => path.map((command) => command.name()).join(' ')),
      [],
    );
  });

  test('about models take it beside their own, and no library is made by looking at models', async (t) => {
    const data = temporaryFolder(t);
    const library = join(data, 'other.db');
    for (const args of [
      ['available', 'vim-t'],
      ['list'],
      ['show', 'parts'],
      ['verify', 'parts'],
      ['export', 'parts', '--to', data],
      ['get', join(data, 'parts.safetensors'), '--name', 'copy'],
      ['remove', 'copy'],
    ]) {
      const { code, stderr } = await winnow(data, 'models', ...args, '--library', library);
      assert.deepEqual([code, stderr], [0, ''], args.join(' '));
    }
    assert.equal(existsSync(library), false);
  });
});
