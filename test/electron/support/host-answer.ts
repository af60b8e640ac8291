import { AssertionError } from 'node:assert';
import { toHostError } from '../../../electron/engine/hosts/messages.ts';
import { AppError } from '../../../electron/shared/errors.ts';
import type { HostErrorCode } from '../../../electron/shared/errors.ts';

/** An error that a host can answer with. */
export function hostError(code: HostErrorCode, message: string): AppError {
  return new AppError(code, message);
}

/**
 * What a stand-in for a host does, as it would come back from one: an error that no host can send arrives as what becomes
 * of it on the way. What a test asserts in a stand-in's hooks passes through.
 */
export async function asHost<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AssertionError) throw error;
    const { code, message, hint } = toHostError(error);
    throw new AppError(code, message, hint, { cause: error });
  }
}
