import { isUtf8 } from 'node:buffer';
import { AppError, hasCode, isMissing } from '../../shared/errors.ts';
import { openRegularFile } from '../files/regular-file.ts';
import type { ReadOptions } from './label-format.ts';

const PIECE = 1 << 18; // bytes that are read at once

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252';

const LONGEST_CHARACTER = 3; // bytes of one that a piece may end in the middle of

/**
 * The encoding of a file: as its byte order mark says, UTF-16 where every second byte of its start is 0, UTF-8 where all of it
 * is that, else the one that old programs of Windows write. Reads the whole file, in pieces.
 */
async function encodingOf(path: string): Promise<Encoding> {
  await using file = await openRegularFile(path, 'labels');
  const piece = Buffer.alloc(PIECE);
  let rest = 0; // bytes at the start of the piece that were left of the one before
  for (let isFirst = true; ; isFirst = false) {
    const { bytesRead } = await file.read(piece, rest, PIECE - rest);
    const bytes = piece.subarray(0, rest + bytesRead);
    const marked = isFirst ? markedEncoding(bytes) : undefined;
    if (marked !== undefined) return marked;
    if (bytesRead === 0) return isUtf8(bytes) ? 'utf-8' : 'windows-1252';
    const whole = wholeCharacters(bytes);
    if (!isUtf8(bytes.subarray(0, whole))) return 'windows-1252';
    rest = piece.copy(piece, 0, whole, bytes.length);
  }
}

/** The encoding that the first bytes of a file say; undefined where they do not. */
export function markedEncoding(start: Buffer): Encoding | undefined {
  const mark = start.toString('latin1', 0, 3);
  if (mark.startsWith('\xff\xfe')) return 'utf-16le';
  if (mark.startsWith('\xfe\xff')) return 'utf-16be';
  if (mark === '\xef\xbb\xbf' || start.length < 4) return undefined;
  const zeros = [0, 1].map((odd) => [0, 2].every((even) => start[odd + even] === 0));
  if (zeros[1] === true && zeros[0] === false) return 'utf-16le';
  return zeros[0] === true && zeros[1] === false ? 'utf-16be' : undefined;
}

/** How many bytes there are before a character that the piece ends in the middle of. */
function wholeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(LONGEST_CHARACTER, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) break;
    if (byte >= 0xc0) return bytes.length - back; // its first byte
  }
  return bytes.length;
}

/**
 * The text of a file in pieces, without its byte order mark, so that one of any size needs little memory. Throws NOT_FOUND,
 * FILE_SYSTEM, BAD_ARGUMENT for what is no file or no text, and CANCELLED as `onProgress` does. `onLatin`: hears of the old encoding.
 */
export async function* readTextPieces(
  path: string,
  { onProgress, onLatin }: Pick<ReadOptions, 'onProgress'> & { onLatin: () => void },
): AsyncGenerator<string> {
  try {
    const encoding = await encodingOf(path);
    if (encoding === 'windows-1252') onLatin();
    const decoder = new TextDecoder(encoding);
    await using file = await openRegularFile(path, 'labels');
    const { size } = await file.stat();
    const piece = Buffer.alloc(PIECE);
    for (let done = 0; ;) {
      const { bytesRead } = await file.read(piece, 0, PIECE);
      if (bytesRead === 0) break;
      const text = decoder.decode(piece.subarray(0, bytesRead), { stream: true });
      if (text.includes('\0')) throw noText(path);
      onProgress((done += bytesRead), size);
      yield text;
    }
    yield decoder.decode();
  } catch (error) {
    throw toReadError(error, path);
  }
}

function noText(path: string): AppError {
  return new AppError(
    'BAD_ARGUMENT',
    `Expected a text with labels in ${path}, but it has bytes such as only pictures, programs and workbooks have`,
    'Save it as text, such as CSV or JSON, in the program that it comes from.',
  );
}

/** The whole text of a file of at most `largest` bytes. Throws as readTextPieces does. */
export async function readWholeText(path: string, largest: number, onLatin: () => void): Promise<string> {
  const onProgress = (_: number, size: number) => {
    if (size > largest)
      throw new AppError(
        'BAD_ARGUMENT',
        `The file ${path} has ${size} bytes, and at most ${largest} are read`,
      );
  };
  const pieces: string[] = [];
  for await (const piece of readTextPieces(path, { onProgress, onLatin })) pieces.push(piece);
  return pieces.join('');
}

/** The sentence about a file whose encoding is an old one. */
export function latinNotice(path: string): string {
  return `${path} is not UTF-8, and was read as Windows-1252 (Latin-1): look whether its names are right.`;
}

/** What the system says of a file that cannot be read, as a sentence; anything else as it is. */
export function toReadError(error: unknown, path: string): unknown {
  if (!hasCode(error) || !('syscall' in error)) return error;
  const cause = { cause: error };
  if (isMissing(error))
    return new AppError('NOT_FOUND', `There is no file ${path}`, 'Check its name.', cause);
  return new AppError('FILE_SYSTEM', `The file ${path} cannot be read: ${error.message}`, undefined, cause);
}
