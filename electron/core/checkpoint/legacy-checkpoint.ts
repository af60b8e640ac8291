import type { BoundedFile } from './bounded-file.ts';
import type { CheckpointContent, StorageLocation } from './checkpoint-content.ts';
import type { StorageRef } from './pickle-values.ts';
import { badCheckpoint, ELEMENT_BYTES, type PickleValue } from './pickle-values.ts';
import { MAX_PICKLE_BYTES, unpickle } from './unpickle.ts';

const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;

/**
 * The format of torch.save before PyTorch 1.6 (and `_use_new_zipfile_serialization=False`): pickles of a magic
 * number, a protocol number and the writer's system; the pickle of the value; the pickled list of storage keys; then
 * each storage as an element count of 8 bytes and its elements. Rejects with BAD_CHECKPOINT.
 */
export async function openLegacy(file: BoundedFile): Promise<CheckpointContent> {
  const bytes = await file.read(0, Math.min(file.size, MAX_PICKLE_BYTES));
  const magic = unpickle(bytes);
  if (magic.value !== MAGIC) throw badCheckpoint('The checkpoint is a pickle, but not one of torch.save');
  const protocol = unpickle(bytes, magic.end);
  if (protocol.value !== PROTOCOL)
    throw badCheckpoint('The checkpoint is of an unknown version of the legacy format');
  const system = unpickle(bytes, protocol.end);
  if (!(system.value instanceof Map && system.value.get('little_endian') === true)) {
    throw badCheckpoint('The checkpoint was not written in little-endian byte order');
  }
  const { value: root, end, storages } = unpickle(bytes, system.end);
  const keys = unpickle(bytes, end);
  const locations = await placeStorages(file, keys.value, keys.end, storages);
  return { root, place: (storage) => locations.get(storage.key) };
}

async function placeStorages(
  file: BoundedFile,
  keys: PickleValue,
  start: number,
  storages: ReadonlyMap<string, StorageRef>,
): Promise<Map<string, StorageLocation>> {
  if (!Array.isArray(keys)) throw badCheckpoint('The checkpoint has no list of its tensor storages');
  const locations = new Map<string, StorageLocation>();
  let position = start;
  for (const key of keys) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (storage === undefined || locations.has(storage.key)) {
      throw badCheckpoint('The checkpoint lists a tensor storage that it does not use, or one twice');
    }
    const head = await file.read(position, 8);
    const elements = new DataView(head.buffer).getBigUint64(0, true);
    if (elements !== BigInt(storage.elements)) {
      throw badCheckpoint(
        `The tensor storage at byte ${position} has ${elements} elements instead of ${storage.elements}`,
      );
    }
    const bytes = storage.elements * ELEMENT_BYTES[storage.type];
    position += 8;
    if (bytes > file.size - position) {
      throw badCheckpoint(
        `The checkpoint ends at byte ${file.size}, inside the tensor storage at byte ${position}`,
      );
    }
    locations.set(storage.key, { start: position, bytes, crc32: undefined });
    position += bytes;
  }
  return locations;
}
