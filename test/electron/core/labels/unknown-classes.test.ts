import assert from 'node:assert/strict';
import { test } from 'node:test';
import { saidText } from '../../../../renderer/lib/text/said.ts';
import { createTranslate } from '../../../../renderer/lib/text/messages.ts';
import { labelWorld } from './support.ts';

test('classes that are named and that the file does not have are told of, in both languages', async (t) => {
  const { put, inspect } = await labelWorld(t, ['a.png']);
  const path = put('labels.csv', 'file,label\na.png,Fox\n');
  assert.deepEqual((await inspect(path, { classes: { Fox: 'fox' } })).notices, []);
  const { notices } = await inspect(path, { classes: { fox: 'Vulpes', none: null } });
  assert.deepEqual(notices, [
    'The file has no class "fox", "none", of which something was said; names must be as the file writes them.',
  ]);
  const german = saidText(notices[0] ?? '', 'de', createTranslate('de'));
  assert.match(german ?? '', /^Die Datei hat keine Klasse "fox", "none", zu der /);
});
