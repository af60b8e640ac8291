import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { oneLine, terminalText } from '../../../electron/shared/terminal-text.ts';

suite('a text for a terminal', () => {
  const escaped: [string, string][] = [
    ['\u001b[31mred\u001b]0;title\u0007', '\\u001b[31mred\\u001b]0;title\\u0007'],
    ['\u009b31m and \u0085', '\\u009b31m and \\u0085'], // C1: a terminal takes U+009B for ESC [
    ['a\rb\bc\u007f', 'a\\rb\\bc\\u007f'],
    ['photo\u202egpj.exe\u2066\u2069', 'photo\\u202egpj.exe\\u2066\\u2069'],
    ['\u200e\u200f\u061c\u2028', '\\u200e\\u200f\\u061c\\u2028'],
  ];
  for (const [raw, shown] of escaped) {
    test(`has no commands: ${shown}`, () => {
      assert.equal(terminalText(raw), shown);
      assert.equal(oneLine(raw), shown);
    });
  }

  test('keeps what people write, its lines and tabs', () => {
    const text = 'Bär 图 क्षि 👩‍👩‍👧 café\n\tsecond line\n';
    assert.equal(terminalText(text), text);
    assert.equal(terminalText('from\r\nWindows\r\n'), 'from\nWindows\n');
    assert.equal(oneLine('a\nb\tc'), 'a\\nb\\tc');
  });
});
