import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { expandPress, showPress } from '../../renderer/lib/text/key-text.ts';
import { createTranslate } from '../../renderer/lib/text/messages.ts';

suite('keys as a person reads them', () => {
  const german = createTranslate('de');
  const cases: [press: string, elsewhere: string, mac: string][] = [
    ['$mod+Shift+z', 'Strg+Umschalt+Z', '⌘⇧Z'],
    ['Alt+Digit1', 'Alt+1', '⌥1'],
    ['ArrowDown', '↓', '↓'],
    ['Delete', 'Entf', 'Entf'],
    ['?', '?', '?'],
  ];
  for (const [press, elsewhere, mac] of cases) {
    test(press, () => {
      assert.equal(showPress(press, german, false), elsewhere);
      assert.equal(showPress(press, german, true), mac);
    });
  }
});

test('punctuation may need Shift or AltGr on some layouts; letters may not', () => {
  assert.deepEqual(expandPress('?'), ['?', 'Shift+?', 'AltGraph+?']);
  assert.deepEqual(expandPress('j'), ['j']);
  assert.deepEqual(expandPress('Alt+Digit1'), ['Alt+Digit1']);
});
