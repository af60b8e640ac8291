import Database from 'better-sqlite3';
import { AppError } from '../../shared/errors.ts';
import { restoreHint } from './tables/backups.ts';

const reasons: Record<string, [what: string, hint: string | ((path: string) => string)]> = {
  SQLITE_BUSY: [
    'is locked by another Winnow',
    'Wait until it has finished, or name another file with --library.',
  ],
  SQLITE_LOCKED: [
    'is locked by another Winnow',
    'Wait until it has finished, or name another file with --library.',
  ],
  SQLITE_FULL: [
    'cannot grow because the disk is full',
    'Free some space, then go on with `winnow resume`; what was saved is kept.',
  ],
  SQLITE_CORRUPT: ['is damaged', restoreHint],
  SQLITE_NOTADB: ['is not a Winnow library or is damaged', restoreHint],
  SQLITE_CANTOPEN: [
    'cannot be opened',
    'Check that its folder exists and may be written, or name another file with --library.',
  ],
  SQLITE_READONLY: [
    'may not be written',
    'Check its permissions and those of its folder, or name another file with --library.',
  ],
  SQLITE_IOERR: ['cannot be read or written', 'Check the disk; what was saved before is kept.'],
};

/** Turns an error of SQLite into an AppError about the library at `path`; other errors come back as they are. */
export function toLibraryError(error: unknown, path: string): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  // Extended codes such as SQLITE_IOERR_WRITE start with the code that they refine.
  const code = Object.keys(reasons).find((key) => error.code === key || error.code.startsWith(`${key}_`));
  const reason = code === undefined ? undefined : reasons[code];
  if (reason === undefined) return error;
  const [what, hint] = reason;
  return new AppError(
    code === 'SQLITE_FULL' ? 'DISK_FULL' : 'LIBRARY',
    `The library ${path} ${what} (${error.code})`,
    typeof hint === 'string' ? hint : hint(path),
    { cause: error },
  );
}

/** For a library that SQLite opens although it is damaged; `finding` is what its check says. */
export function damagedLibrary(path: string, finding: string): AppError {
  return new AppError('LIBRARY', `The library ${path} is damaged (${finding})`, restoreHint(path));
}
