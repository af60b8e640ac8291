import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { loadAddon } from '../../../electron/engine/addon.ts';
import { toHostError } from '../../../electron/engine/messages.ts';
import { AppError, ERROR_CODES, NATIVE_ERROR_CODES } from '../../../electron/shared/errors.ts';

suite('the codes of errors', () => {
  test('of native code are those that TypeScript knows as such', () => {
    assert.deepEqual([...loadAddon().errorCodes].sort(), [...NATIVE_ERROR_CODES].sort());
  });

  test('cross a host where a host finds them, and are ENGINE where none can', () => {
    const crossed = ERROR_CODES.filter((code) => toHostError(new AppError(code, 'A sentence')).code === code);
    const inTheApp = ['BAD_CHECKPOINT', 'LIBRARY', 'CONNECTION'];
    assert.deepEqual(
      crossed,
      ERROR_CODES.filter((code) => !inTheApp.includes(code)),
    );
    for (const code of [...inTheApp, 'ENOSPC', 'toString', 7]) {
      const error = Object.assign(new Error('A sentence'), { code });
      assert.equal(toHostError(error).code, 'ENGINE', String(code));
    }
  });
});
