import type { BigIntStats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { isMissing } from '../../shared/errors.ts';

/** What a file was when it was looked at. */
export interface FileIdentity {
  device: string;
  inode: string;
  fileSize: number; // bytes
  modifiedNs: string;
}

/** What has this name, links not followed; undefined when nothing has. */
export async function lookAt(path: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Which file has this name, however it is called elsewhere; undefined when none has. */
export async function identityOf(path: string): Promise<string | undefined> {
  const stats = await lookAt(path);
  return stats === undefined ? undefined : `${stats.dev}:${stats.ino}`;
}

/** What a file is now: another file, and a change of it, give another. */
export function stateOf({ dev, ino, size, mtimeNs }: BigIntStats): FileIdentity {
  return { device: String(dev), inode: String(ino), fileSize: Number(size), modifiedNs: String(mtimeNs) };
}

export function isSameState(one: FileIdentity | undefined, other: FileIdentity | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  const isSameFile = one.device === other.device && one.inode === other.inode;
  return isSameFile && one.fileSize === other.fileSize && one.modifiedNs === other.modifiedNs;
}
