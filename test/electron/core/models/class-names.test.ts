import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { displayNames } from '../../../../electron/core/models/class-names.ts';

suite('displayNames', () => {
  test('puts the synset behind names that classes share', () => {
    const labels = [
      { name: 'crane', synset: 'n02012849' },
      { name: 'heron', synset: 'n02009229' },
      { name: 'crane', synset: 'n03126707' },
    ];
    assert.deepEqual(displayNames(labels), ['crane (n02012849)', 'heron', 'crane (n03126707)']);
  });

  test('puts the number behind names that the synset tells no better apart', () => {
    const crane = { name: 'crane', synset: 'n02012849' };
    assert.deepEqual(displayNames([crane, crane]), [
      'crane (n02012849) (class 0)',
      'crane (n02012849) (class 1)',
    ]);
  });

  test('tells a name apart that is written as another comes out', () => {
    const names = displayNames([{ name: 'crane (class 1)' }, { name: 'crane' }, { name: 'crane' }]);
    assert.deepEqual(names, ['crane (class 1) (class 0)', 'crane (class 1) (class 1)', 'crane (class 2)']);
  });
});
