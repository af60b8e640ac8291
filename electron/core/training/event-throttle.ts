import type { Clock } from '../../shared/clock.ts';

const INTERVAL = 300; // milliseconds between two events of a kind

/** Says when it is time again to tell of something that happens often. */
export class EventThrottle {
  readonly #clock: Clock;
  readonly #last = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  isDue(kind: string): boolean {
    const now = this.#clock();
    if (now - (this.#last.get(kind) ?? -Infinity) < INTERVAL) return false;
    this.#last.set(kind, now);
    return true;
  }
}
