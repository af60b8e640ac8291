import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { opendir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { codeOf } from '../../shared/errors.ts';

/** `.winnow.<host>.<process>.<its start>.<number>.partial`, and what SQLite puts beside such a database. */
const NAME = /^\.winnow\.([0-9a-f]{8})\.(\d+)\.(\d*)\.\d+\.partial(-wal|-shm|-journal)?$/;

const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
const START = startOf(process.pid) ?? '';
let number = 0;

/**
 * A new path for a file or folder that is being written and will be renamed into `folder`. Its name says which process
 * writes it, so that others know when it was abandoned; it is short, whatever its last name will be.
 */
export function partialPath(folder: string): string {
  return join(folder, `.winnow.${HOST}.${process.pid}.${START}.${++number}.partial`);
}

/**
 * Removes what processes that are dead by now were writing in `folder`. Every writer does that before it begins. What another
 * computer writes into a shared folder stays: whether its process lives is not known here.
 */
export async function removeAbandoned(folder: string): Promise<void> {
  try {
    for await (const { name } of await opendir(folder)) {
      if (isAbandoned(name)) await rm(join(folder, name), { recursive: true, force: true });
    }
  } catch (error) {
    // A folder that is not there or may not be changed: writing into it will say so.
    if (codeOf(error) === undefined) throw error;
  }
}

/** Whether this is the name of a partial file, on whichever computer it is written. */
export function isPartial(name: string): boolean {
  return NAME.test(name);
}

/** Whether this is the name of a partial file whose process is dead. */
export function isAbandoned(name: string): boolean {
  const [, host, id, start] = NAME.exec(name) ?? [];
  if (host !== HOST) return false;
  const process = Number(id);
  if (!isAlive(process)) return true;
  const now = startOf(process);
  return now !== undefined && now !== start; // the number was given to another process
}

function isAlive(id: number): boolean {
  try {
    process.kill(id, 0); // asks only
    return true;
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}

/** When a process started, in clock ticks since the computer did; undefined where the system does not tell. */
function startOf(id: number): string | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const fields = readFileSync(`/proc/${id}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields[19]; // the 22nd field; the first two are cut off, since a name may hold spaces
  } catch {
    return undefined;
  }
}
