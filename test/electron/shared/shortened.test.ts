import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { z } from 'zod';
import { checkArguments } from '../../../electron/shared/app-api.ts';
import { shortened, shortJson } from '../../../electron/shared/shortened.ts';

const LONG = 'x'.repeat(3000);

suite('what a sentence quotes of a file', () => {
  test('is shortened to 80 characters, never in the middle of one', () => {
    assert.equal(shortened('fox'), 'fox');
    assert.equal(shortened('x'.repeat(80)), 'x'.repeat(80));
    assert.equal(shortened('x'.repeat(81)), `${'x'.repeat(80)}…`);
    assert.equal(shortened('🦊'.repeat(80)), '🦊'.repeat(80));
    assert.equal(shortened(`x${'🦊'.repeat(80)}`), `x${'🦊'.repeat(79)}…`);
    assert.equal(shortJson({ a: LONG }), `{"a":"${'x'.repeat(74)}…`);
    assert.equal(shortJson(undefined), 'undefined');
  });

  test('is shortened where a key is not known', () => {
    assert.throws(() => checkArguments(z.strictObject({}), { [LONG]: 1 }), {
      code: 'BAD_ARGUMENT',
      message: `There must be no key "${'x'.repeat(79)}…`,
    });
  });
});
