import { lstat, open } from 'node:fs/promises';

/** Some file systems keep times in steps of two seconds. */
const TIME_STEP = 2000; // milliseconds
const CHUNK = 1024 ** 2; // bytes that are compared at a time

/** What two names stand for, both of which are there. */
export type Sameness =
  | 'names' // two names of one file, of which one may go
  | 'path' // two ways to one name
  | 'copies' // two files with the same content and time
  | 'different';

/** Compares what is at two paths, neither following links. */
export async function compareFiles(one: string, other: string): Promise<Sameness> {
  const [first, second] = [await lstat(one, { bigint: true }), await lstat(other, { bigint: true })];
  if (!first.isFile() || !second.isFile()) return 'different';
  if (first.dev === second.dev && first.ino === second.ino) return first.nlink > 1n ? 'names' : 'path';
  const isAlike = first.size === second.size && isNear(Number(first.mtimeMs), Number(second.mtimeMs));
  return isAlike && (await haveSameContent(one, other, Number(first.size))) ? 'copies' : 'different';
}

/** Whether a file is as it was by size and time (milliseconds). */
export function isUnchanged(
  stats: { size: number; mtimeMs: number },
  { fileSize, modifiedMs }: { fileSize: number; modifiedMs: number },
): boolean {
  return stats.size === fileSize && isNear(stats.mtimeMs, modifiedMs);
}

const isNear = (one: number, other: number) => Math.abs(one - other) <= TIME_STEP;

/** Compares two files of `size` bytes. */
async function haveSameContent(one: string, other: string, size: number): Promise<boolean> {
  await using first = await open(one);
  await using second = await open(other);
  const [left, right] = [Buffer.alloc(CHUNK), Buffer.alloc(CHUNK)];
  for (let at = 0; at < size;) {
    const [{ bytesRead }, there] = await Promise.all([
      first.read(left, 0, CHUNK, at),
      second.read(right, 0, CHUNK, at),
    ]);
    const count = Math.min(bytesRead, there.bytesRead);
    if (count === 0 || left.compare(right, 0, count, 0, count) !== 0) return false;
    at += count;
  }
  return true;
}
