import { AppError } from '../../shared/errors.ts';
import { isLockHeld, takeExclusiveLock } from './exclusive-lock.ts';
import type { ExclusiveLock } from './exclusive-lock.ts';

/** The right to write runs into a library; held by one Winnow at a time. */
export type WriterLock = ExclusiveLock;

/** Takes the library's writer lock, which is that of a file beside it, or throws at once. */
export function acquireWriterLock(libraryPath: string): WriterLock {
  const lock = takeExclusiveLock(lockPath(libraryPath));
  if (lock !== undefined) return lock;
  throw new AppError(
    'LIBRARY',
    `Another Winnow is writing to the library ${libraryPath}`,
    'Wait until it has finished, or name another file with --library',
  );
}

/** Whether a process that lives, this or another, has the library's writer lock. */
export function isWriterAlive(libraryPath: string): boolean {
  return isLockHeld(lockPath(libraryPath));
}

function lockPath(libraryPath: string): string {
  return `${libraryPath}-writer`;
}
