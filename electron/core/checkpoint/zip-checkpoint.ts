import { crc32 } from 'node:zlib';
import yauzl from 'yauzl';
import { AppError } from '../../shared/errors.ts';
import { shortened } from '../../shared/shortened.ts';
import type { BoundedFile } from './bounded-file.ts';
import type { CheckpointContent, StorageLocation } from './checkpoint-content.ts';
import { badCheckpoint, printable } from './pickle-values.ts';
import { MAX_PICKLE_BYTES, unpickle } from './unpickle.ts';

/** A checkpoint has an entry per tensor; the largest known ones have some thousands. */
const MAX_ENTRIES = 100_000;

const TORCH_SCRIPT = /^[^/]+\/(code\/|constants\.pkl$)/;

/**
 * The zip format of torch.save (PyTorch 1.6 and later): stored entries `<prefix>/data.pkl`, `<prefix>/data/<key>`
 * for each storage, and `<prefix>/byteorder` in newer files. Rejects with BAD_CHECKPOINT.
 */
export async function openZip(file: BoundedFile): Promise<CheckpointContent> {
  const locations = await listEntries(file);
  const pickleName = [...locations.keys()].find((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickleName === undefined) {
    throw badCheckpoint('The checkpoint is a zip archive without data.pkl, so torch.save did not write it');
  }
  const prefix = pickleName.slice(0, -'data.pkl'.length);
  await refuseBigEndian(file, locations.get(`${prefix}byteorder`));
  const pickle = await readEntry(file, locations.get(pickleName), MAX_PICKLE_BYTES);
  return {
    root: unpickle(pickle).value,
    place: (storage) => locations.get(`${prefix}data/${storage.key}`),
  };
}

async function listEntries(file: BoundedFile): Promise<Map<string, StorageLocation>> {
  const locations = new Map<string, StorageLocation>();
  try {
    const archive = await yauzl.fromRandomAccessReaderPromise(new ZipReader(file), file.size, {
      autoClose: false,
    });
    if (archive.entryCount > MAX_ENTRIES)
      throw badCheckpoint(`The checkpoint has ${archive.entryCount} entries`);
    for await (const entry of archive.eachEntry()) {
      if (TORCH_SCRIPT.test(entry.fileName)) {
        throw badCheckpoint(
          'The checkpoint is a TorchScript program, not weights',
          'Save model.state_dict() instead.',
        );
      }
      if (entry.compressionMethod !== 0 || entry.isEncrypted()) {
        throw badCheckpoint(
          `The entry ${shortened(printable(entry.fileName))} is compressed or encrypted, which torch.save does not do`,
        );
      }
      if (locations.has(entry.fileName))
        throw badCheckpoint(`The checkpoint has two entries ${shortened(printable(entry.fileName))}`);
      const { fileDataStart } = await archive.readLocalFileHeaderPromise(entry, { minimal: true });
      locations.set(entry.fileName, {
        start: fileDataStart,
        bytes: entry.uncompressedSize,
        crc32: entry.crc32,
      });
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw badCheckpoint(
      `The checkpoint is a damaged zip archive (${shortened(printable(reason))})`,
      undefined,
      {
        cause: error,
      },
    );
  }
  return locations;
}

async function readEntry(
  file: BoundedFile,
  place: StorageLocation | undefined,
  limit: number,
): Promise<Uint8Array> {
  if (place === undefined || place.bytes > limit) {
    throw badCheckpoint(
      `The checkpoint's data.pkl has ${place?.bytes ?? 0} bytes, more than the ${limit} that are read`,
    );
  }
  const bytes = await file.read(place.start, place.bytes);
  if (crc32(bytes) !== place.crc32)
    throw badCheckpoint("The checkpoint's data.pkl is damaged: its checksum differs");
  return bytes;
}

async function refuseBigEndian(file: BoundedFile, place: StorageLocation | undefined): Promise<void> {
  if (place === undefined) return;
  const order = new TextDecoder().decode(await file.read(place.start, Math.min(place.bytes, 16)));
  if (order !== 'little') throw badCheckpoint('The checkpoint was not written in little-endian byte order');
}

/** Gives yauzl the file; every failure arrives in the callback, none is thrown inside of it. */
class ZipReader extends yauzl.RandomAccessReader {
  readonly #file: BoundedFile;

  constructor(file: BoundedFile) {
    super();
    this.#file = file;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    this.#file.read(position, length).then(
      (bytes) => {
        buffer.set(bytes, offset);
        callback(null, length);
      },
      (error: unknown) => callback(error instanceof Error ? error : new Error(String(error))),
    );
  }

  override _readStreamForRange(): never {
    throw new Error('Entries are read at their place, never as a stream');
  }
}
