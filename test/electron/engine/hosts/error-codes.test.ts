import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { loadAddon } from '../../../../electron/engine/addon.ts';
import { toHostError } from '../../../../electron/engine/hosts/messages.ts';
import { AppError, ERROR_CODES, NATIVE_ERROR_CODES } from '../../../../electron/shared/errors.ts';

suite('the codes of errors', () => {
  test('of native code are those that TypeScript knows as such', () => {
    assert.deepEqual([...loadAddon().errorCodes].sort(), [...NATIVE_ERROR_CODES].sort());
  });

  test('cross a host where native code or a host finds them, and are ENGINE elsewhere', () => {
    const ofHosts: readonly string[] = [...NATIVE_ERROR_CODES, 'BAD_IMAGE', 'NOT_FOUND'];
    for (const code of [...ERROR_CODES, 'ENOSPC', 'toString', 7]) {
      const error = Object.assign(new Error('A sentence'), { code });
      const expected = ofHosts.includes(String(code)) ? code : 'ENGINE';
      assert.equal(toHostError(error).code, expected, String(code));
    }
    assert.equal(toHostError(new AppError('DISK_FULL', 'A sentence')).code, 'DISK_FULL');
    assert.ok(ERROR_CODES.length > ofHosts.length);
  });
});
