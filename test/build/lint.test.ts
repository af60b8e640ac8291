import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import ts from 'typescript';
import '../../eslint.config.js';
import { root } from '../../build/setup.mjs';

test('to lint, a component is its script, so that other files know its types', () => {
  const file = path.join(root, 'renderer/components/KeyList.svelte');
  const text = ts.sys.readFile(file);
  assert.ok(text !== undefined);
  assert.match(text, /import\('svelte'\)\.Component<\{ open: boolean \}>/); // its properties
  assert.doesNotMatch(text, /<script/);
  assert.equal(ts.sys.readFile(`${file}.ts`), text); // the module that `import './KeyList.svelte'` finds
});
