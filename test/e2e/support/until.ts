import { setTimeout as wait } from 'node:timers/promises';

/** Until something that is waited for counts as not coming. */
export const PATIENCE_MS = 30_000;

/** Waits until `read` gives something that passes, and gives that; throws with what came last. */
export async function until<T>(
  what: string,
  read: () => Promise<T> | T,
  passes: (value: T) => boolean = Boolean,
): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const value = await read();
    if (passes(value)) return value;
    if (Date.now() > deadline) throw new Error(`Waited for ${what}, but there is ${JSON.stringify(value)}`);
    await wait(50);
  }
}

/** What comes of some work, if it comes in time. */
export async function inTime<T>(what: string, work: Promise<T>): Promise<T> {
  const done = new AbortController();
  const tooLate = wait(PATIENCE_MS, undefined, { signal: done.signal }).then(() => {
    throw new Error(`Waited ${PATIENCE_MS / 1000} s for ${what}`);
  });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    done.abort();
  }
}
