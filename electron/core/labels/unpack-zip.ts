import { createWriteStream } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { openPromise } from 'yauzl';
import type { Entry, ZipFile } from 'yauzl';
import { AppError, hasCode } from '../../shared/errors.ts';
import type { Skipped } from '../../shared/label-skips.ts';
import { shortJson, shortened } from '../../shared/shortened.ts';
import { diskFull, isDiskFull } from '../files/write-file.ts';
import { SkipCounts } from './skip-counts.ts';

/** Files that formats of labels consist of; pictures are left in their archive. */
const WANTED = new Set(['.txt', '.xml', '.json', '.csv', '.tsv', '.yaml', '.yml', '.names', '.png']);

const MOST_FILES = 2_000_000;
const MOST_BYTES = 16 * 2 ** 30; // of all files together
/** Text that people make packs to a twentieth at best; what unpacks to so many times its size was made to fill disks. */
const MOST_TIMES = 200;
const ALWAYS_ALLOWED = 64 * 2 ** 20; // bytes, however small the archive is
const DEEPEST = 64; // folders

/**
 * Unpacks the files of a zip that labels can be in into a folder, and returns which were left out: links and devices. Throws
 * BAD_ARGUMENT for an archive that is damaged or encrypted, larger than anything people make, or has a path that leads out of
 * the folder, cannot be one here, or is there twice, and DISK_FULL.
 */
export async function unpackZip(path: string, folder: string): Promise<Skipped[]> {
  const skips = new SkipCounts();
  const { size } = await stat(path);
  const most = Math.min(MOST_BYTES, Math.max(ALWAYS_ALLOWED, MOST_TIMES * size));
  const room = { bytes: most, most };
  await eachFile(path, async (entry, zip) => {
    if (isPlainFile(entry)) await unpackEntry(path, zip, entry, join(folder, entry.fileName), room);
    else skips.add('link', entry.fileName);
  });
  return skips.all();
}

/** Names of the files of a zip that labels can be in, without unpacking any. Throws BAD_ARGUMENT likewise. */
export async function listZip(path: string): Promise<string[]> {
  const names: string[] = [];
  await eachFile(path, (entry) => {
    if (isPlainFile(entry)) names.push(entry.fileName);
    return Promise.resolve();
  });
  return names;
}

async function eachFile(path: string, visit: (entry: Entry, zip: ZipFile) => Promise<void>): Promise<void> {
  let zip: ZipFile | undefined;
  try {
    // Names that are absolute or lead upwards are refused by yauzl itself, and once more below.
    zip = await openPromise(path, { lazyEntries: true, strictFileNames: false, validateEntrySizes: true });
    let files = 0;
    for await (const entry of zip.eachEntry()) {
      const name = entry.fileName;
      if (name.endsWith('/') || !WANTED.has(extname(name).toLowerCase()) || isHidden(name)) continue;
      if (++files > MOST_FILES) throw refused(path, `it has more than ${MOST_FILES} files`);
      checkName(path, name);
      await visit(entry, zip);
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw refused(path, reasonOf(error), error);
  } finally {
    zip?.close();
  }
}

/** Why the reader of archives has given up: in its words, or in ours where it has several sentences. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return /central directory record/i.test(error.message)
    ? 'it is cut off, damaged, or no zip'
    : shortened(error.message);
}

const isHidden = (name: string) =>
  name.split('/').some((part) => part.startsWith('.') || part === '__MACOSX');

function checkName(path: string, name: string): void {
  const parts = name.split('/');
  if (parts.includes('..') || name.startsWith('/') || /^[a-z]:/i.test(name))
    throw refused(path, `the path ${shortJson(name)} in it leads out of it`);
  if (name.includes('\0')) throw refused(path, `the path ${shortJson(name)} in it has a zero byte`);
  if (parts.length > DEEPEST)
    throw refused(path, `the path ${shortJson(name)} in it has more than ${DEEPEST} folders`);
}

const UNIX = 3; // of versionMadeBy: whose attributes are those of stat
const KIND = 0o170000; // of such attributes the bits that say what it is
const PLAIN = 0o100000;

/** Whether an entry is a file, as far as the archive says what it is: no link, device or pipe. */
function isPlainFile({ versionMadeBy, externalFileAttributes }: Entry): boolean {
  if (versionMadeBy >>> 8 !== UNIX) return true;
  const kind = (externalFileAttributes >>> 16) & KIND;
  return kind === 0 || kind === PLAIN;
}

/** Codes of a system that cannot have a path beside those that were there before, or cannot have it at all. */
const TWICE = new Set(['EEXIST', 'ENOTDIR', 'EISDIR']);

async function unpackEntry(
  path: string,
  zip: ZipFile,
  entry: Entry,
  place: string,
  room: Room,
): Promise<void> {
  const name = shortJson(entry.fileName);
  if (entry.isEncrypted()) throw refused(path, `${name} in it is encrypted`);
  const content = bounded(room, path, (sum) => {
    return sum === entry.crc32 ? undefined : refused(path, `${name} in it is damaged`);
  });
  try {
    await mkdir(dirname(place), { recursive: true });
    const stream = await zip.openReadStreamPromise(entry);
    await pipeline(stream, content, createWriteStream(place, { flags: 'wx' }));
  } catch (error) {
    if (isDiskFull(error)) throw diskFull(place, error);
    if (!hasCode(error)) throw error;
    if (TWICE.has(error.code))
      throw refused(
        path,
        `it has the path ${name} twice, once in another case or as a folder perhaps`,
        error,
      );
    if (error.code === 'ENAMETOOLONG') throw refused(path, `the path ${name} in it is too long`, error);
    throw error;
  }
}

/** Bytes that may still be unpacked, and of how many in all. */
interface Room {
  bytes: number;
  most: number;
}

/** Lets no more through than there is room for; `check` hears the checksum at the end, and may say what is wrong with it. */
function bounded(room: Room, path: string, check: (sum: number) => AppError | undefined): Transform {
  let sum = 0;
  return new Transform({
    transform(piece: Buffer, _, done) {
      room.bytes -= piece.length;
      sum = crc32(piece, sum);
      if (room.bytes < 0) done(refused(path, `it unpacks to more than ${room.most} bytes`));
      else done(null, piece);
    },
    flush: (done) => done(check(sum)),
  });
}

function refused(path: string, reason: string, cause?: unknown): AppError {
  return new AppError(
    'BAD_ARGUMENT',
    `The archive ${path} cannot be unpacked: ${reason}`,
    'Unpack it yourself, and name the folder.',
    { cause },
  );
}
