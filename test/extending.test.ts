import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';
import { root } from '../build/setup.mjs';
import { EXPORT_FORMATS } from '../electron/core/export/formats.ts';
import { ARCHITECTURE_NAMES } from '../electron/shared/architectures.ts';

const read = (file: string) => readFileSync(path.join(root, file), 'utf8');

/** Files in which a name stands between quotes. */
function filesWith(name: string, pattern: string): string[] {
  const quoted = new RegExp(`['"\`]${RegExp.escape(name)}['"\`]`);
  return globSync(pattern, { cwd: root }).filter((file) => quoted.test(read(file)));
}

suite('docs/extending.md', () => {
  test('names files and folders that are there', () => {
    const named = [...read('docs/extending.md').matchAll(/`([\w.-]+(?:\/[\w.-]+)+\/?|\w+\.md)`/g)].map(
      ([, file = '']) => file,
    );
    assert.ok(named.length > 20);
    for (const file of named) assert.ok(existsSync(path.join(root, file)), file);
  });

  test('an export format is known to its own file alone', () => {
    // These words mean something else, too, or are asked for by options of their own (`run --csv --json`).
    const shared = ['csv', 'json', 'detections', 'crops'];
    for (const { name } of EXPORT_FORMATS) {
      const files = filesWith(name, '{electron,renderer}/**/*.{ts,svelte}');
      assert.ok(files.some((file) => path.dirname(file) === path.join('electron', 'core', 'export')));
      if (!shared.includes(name)) assert.equal(files.length, 1, `${name}: ${files.join(', ')}`);
    }
  });

  test('an architecture is named in few files', () => {
    const most = { vim: 5, videomamba: 1, mambareg: 1 }; // vim is what others start from, and the backbone of heads
    for (const name of ARCHITECTURE_NAMES) {
      const files = filesWith(name, '{electron,renderer}/**/*.{ts,svelte}');
      assert.ok(files.length <= most[name], `${name}: ${files.join(', ')}`);
    }
  });
});
