import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { localFigures } from '../../renderer/lib/text/figures.ts';

suite('English figures in a language', () => {
  const cases: [text: string, german: string, english: string][] = [
    ['0.900, 0.810', '0,900; 0,810', '0.900, 0.810'],
    ['1, 2', '1, 2', '1, 2'],
    ['48500', '48.500', '48,500'],
    ['48,500', '48.500', '48,500'],
    ['.819', '0,819', '0.819'],
    ['82.5 %', '82,5\u00a0%', '82.5\u00a0%'],
    ['7%', '7\u00a0%', '7\u00a0%'],
  ];
  for (const [text, german, english] of cases) {
    test(text, () => {
      assert.equal(localFigures(text, 'de'), german);
      assert.equal(localFigures(text, 'en'), english);
    });
  }

  test('no other text is changed', () => {
    for (const text of ['', '.', ',', '%', '1.2.3', 'v1.5', '1.5 MB', '0.5, b', '1e-5', '1,5', 'top-1, %'])
      assert.equal(localFigures(text, 'de'), text);
  });
});
