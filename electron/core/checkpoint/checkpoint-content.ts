import type { PickleValue, StorageRef } from './pickle-values.ts';

/** Where the bytes of a storage lie in the file; checked to lie inside it. */
export interface StorageLocation {
  start: number;
  bytes: number;
  /** CRC-32 of the bytes where the format records one. */
  crc32: number | undefined;
}

/** What both formats of torch.save come down to: one value, and the place of each storage. */
export interface CheckpointContent {
  root: PickleValue;
  /** Undefined when the file has no such storage. */
  place(storage: StorageRef): StorageLocation | undefined;
}
