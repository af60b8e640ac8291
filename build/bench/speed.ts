import { median, timed } from './tables.ts';

/** Consecutive pieces of `length` values each. */
export function cut<T extends Uint8Array | Float32Array>(values: T, length: number): T[] {
  const count = Math.floor(values.length / length);
  return Array.from({ length: count }, (_, i) => values.slice(i * length, (i + 1) * length) as T);
}

/** Predicts batches in turn, for so long and at least three; images per second from the median of their times. */
export async function imagesPerSecond<T>(
  batches: readonly T[],
  batch: number,
  seconds: number,
  predict: (input: T) => Promise<unknown>,
): Promise<number> {
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  for (let n = 0; performance.now() < end || n < 3; n++) {
    const input = batches[n % batches.length];
    if (input !== undefined) times.push(await timed(() => predict(input)));
  }
  return (1000 * batch) / median(times);
}
