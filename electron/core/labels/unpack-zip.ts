import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openPromise } from 'yauzl';
import type { Entry, ZipFile } from 'yauzl';
import { AppError } from '../../shared/errors.ts';
import { shortened } from '../../shared/shortened.ts';

/** Files that formats of labels consist of; pictures are left in their archive. */
const WANTED = new Set(['.txt', '.xml', '.json', '.csv', '.tsv', '.yaml', '.yml', '.names', '.png']);

const MOST_FILES = 2_000_000;
const MOST_BYTES = 16 * 2 ** 30; // of all files together

/**
 * Unpacks the files of a zip that labels can be in into a folder. Throws BAD_ARGUMENT for an archive that is damaged, larger
 * than anything people make, or has a path that leads out of the folder.
 */
export async function unpackZip(path: string, folder: string): Promise<void> {
  const room = { bytes: MOST_BYTES };
  await eachFile(path, async (entry, zip) => {
    const place = join(folder, entry.fileName);
    await mkdir(dirname(place), { recursive: true });
    const stream = await zip.openReadStreamPromise(entry);
    await pipeline(stream, bounded(room, path), createWriteStream(place, { flags: 'wx' }));
  });
}

/** Names of the files of a zip that labels can be in, without unpacking any. Throws BAD_ARGUMENT likewise. */
export async function listZip(path: string): Promise<string[]> {
  const names: string[] = [];
  await eachFile(path, ({ fileName }) => Promise.resolve(void names.push(fileName)));
  return names;
}

async function eachFile(path: string, visit: (entry: Entry, zip: ZipFile) => Promise<void>): Promise<void> {
  let zip: ZipFile | undefined;
  try {
    // Names that are absolute or lead upwards are refused by yauzl itself, and once more below.
    zip = await openPromise(path, {
      lazyEntries: true,
      strictFileNames: false,
      validateEntrySizes: true,
    });
    let files = 0;
    for await (const entry of zip.eachEntry()) {
      const name = entry.fileName;
      if (name.endsWith('/') || !WANTED.has(extname(name).toLowerCase()) || isHidden(name)) continue;
      if (++files > MOST_FILES) throw refused(path, `it has more than ${MOST_FILES} files`);
      if (name.split('/').some((part) => part === '..') || name.startsWith('/') || /^[a-z]:/i.test(name))
        throw refused(path, `the path ${shortened(name)} in it leads out of it`);
      await visit(entry, zip);
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw refused(path, error instanceof Error ? shortened(error.message) : String(error), error);
  } finally {
    zip?.close();
  }
}

const isHidden = (name: string) =>
  name.split('/').some((part) => part.startsWith('.') || part === '__MACOSX');

function bounded(room: { bytes: number }, path: string): Transform {
  return new Transform({
    transform(piece: Buffer, _, done) {
      room.bytes -= piece.length;
      if (room.bytes < 0) done(refused(path, `it unpacks to more than ${MOST_BYTES} bytes`));
      else done(null, piece);
    },
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
