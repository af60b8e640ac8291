import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseCard } from '../../renderer/lib/text/card.ts';

suite('a model card', () => {
  test('has facts, headings, text and tables', () => {
    const card = [
      'Model            everyday10 (came with Winnow)',
      'Size             width 96,  8 blocks',
      '',
      '# everyday10',
      '',
      'A small model.',
      'Two lines.',
      '',
      '| a | b |',
      '| - | -: |',
      '| c | 1 |',
    ].join('\n');
    assert.deepEqual(parseCard(card), {
      facts: [
        { name: 'Model', value: 'everyday10 (came with Winnow)' },
        { name: 'Size', value: 'width 96,  8 blocks' },
      ],
      notes: [
        { kind: 'heading', text: 'everyday10' },
        { kind: 'text', text: 'A small model.\nTwo lines.' },
        {
          kind: 'table',
          rows: [
            ['a', 'b'],
            ['c', '1'],
          ],
        },
      ],
    });
  });

  test('has tables in columns', () => {
    const { facts, notes } = parseCard('Seed  7\n\nClass     Learned  Right\nred fox   34       83.3 %\n');
    assert.deepEqual(facts, [{ name: 'Seed', value: '7' }]);
    const rows = [
      ['Class', 'Learned', 'Right'],
      ['red fox', '34', '83.3 %'],
    ];
    assert.deepEqual(notes, [{ kind: 'table', rows }]);
  });

  test('loses nothing that looks otherwise', () => {
    const { facts, notes } = parseCard('Model  x\nno fact');
    assert.deepEqual(facts, []);
    assert.deepEqual(notes, [{ kind: 'text', text: 'Model  x\nno fact' }]);
    assert.deepEqual(parseCard(''), { facts: [], notes: [] });
  });
});
