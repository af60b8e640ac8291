import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { AppError, codeOf } from '../shared/errors.ts';
import { PRIVATE_FOLDER } from '../core/files/private.ts';
import { READ_NO_LINK } from '../shared/reading-flags.ts';

const TOKEN_BYTES = 32;
const TOKEN = /^[\w-]{43}$/; // TOKEN_BYTES in base64url
const OTHERS = 0o077; // bits of a mode that let other users in

/** The token that opens the window in a browser, and why it is another than before, in a sentence. */
export interface KeptToken {
  token: string;
  notice: string | undefined;
}

/**
 * The token that is kept in a file, made when there is none, when `isNew`, and when others may have read the present one.
 * Only its owner may read the file. Throws FILE_SYSTEM.
 */
export function keepToken(path: string, isNew = false): KeptToken {
  try {
    const found = isNew ? undefined : read(path);
    if (found?.isPrivate === true && TOKEN.test(found.text)) return { token: found.text, notice: undefined };
    const token = randomBytes(TOKEN_BYTES).toString('base64url');
    write(path, token);
    return { token, notice: found === undefined ? undefined : reasonFor(found, path) };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AppError(
      'FILE_SYSTEM',
      `The token of the window cannot be kept in ${path}: ${reason}`,
      'Check the permissions of its folder, or name another data folder in WINNOW_DATA.',
      { cause },
    );
  }
}

function reasonFor({ isPrivate }: { isPrivate: boolean }, path: string): string {
  return isPrivate
    ? `${path} held no token, so there is a new one: windows that are open need the address below.`
    : `Others could read ${path}, so there is a new token: windows that are open need the address below.`;
}

/** Undefined when there is no file. A link or a device is none of Winnow's: opening it fails. */
function read(path: string): { text: string; isPrivate: boolean } | undefined {
  let file: number;
  try {
    file = openSync(path, READ_NO_LINK);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw new Error('it is not a file');
    // Windows keeps no such bits; there the user's own folder is closed to others.
    const isPrivate = process.platform === 'win32' || (stats.mode & OTHERS) === 0;
    return { text: readFileSync(file, 'utf8').trim(), isPrivate };
  } finally {
    closeSync(file);
  }
}

/** Whole or not at all, and never readable by others. */
function write(path: string, token: string): void {
  mkdirSync(dirname(path), PRIVATE_FOLDER);
  const partial = `${path}.${process.pid}.partial`;
  rmSync(partial, { force: true });
  writeFileSync(partial, `${token}\n`, { mode: 0o600, flag: 'wx' });
  renameSync(partial, path);
}
