import assert from 'node:assert/strict';
import { AppError, type ErrorCode } from '../../../electron/shared/errors.ts';

/** For assert.throws and assert.rejects: an AppError of this code, one printable sentence that matches. */
export function appError(code: ErrorCode, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assertAppError(error, [code]);
    assert.match(error.message, message);
    return true;
  };
}

/** Whatever a damaged file leads to must be one of these errors, in one printable sentence. */
export function assertAppError(error: unknown, codes: readonly ErrorCode[]): asserts error is AppError {
  assert.ok(error instanceof AppError, `expected an AppError, got ${String(error)}`);
  assert.ok(codes.includes(error.code), `unexpected code ${error.code}: ${error.message}`);
  assert.doesNotMatch(error.message, /\p{Cc}/u);
  // Ten names of tensors are the most that one says.
  assert.ok(error.message.length < 800, `a sentence of ${error.message.length} characters`);
}

/** Asserts that work is rejected with an AppError of this code, whatever its sentence. */
export function fails(work: Promise<unknown>, code: ErrorCode): Promise<void> {
  return assert.rejects(work, appError(code, /./));
}
