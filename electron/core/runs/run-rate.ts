import type { Clock } from '../../shared/clock.ts';

const WINDOW = 15_000; // milliseconds

/** Images per second over the last seconds. */
export class RunRate {
  readonly #clock: Clock;
  #samples: { time: number; done: number }[];

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#samples = [{ time: clock(), done: 0 }];
  }

  /** Notes that `done` images are finished by now; returns the rate. */
  note(done: number): number {
    const time = this.#clock();
    this.#samples.push({ time, done });
    // The newest sample that is older than the window stays: it is where the window begins.
    const begin = this.#samples.findLastIndex((sample) => sample.time <= time - WINDOW);
    this.#samples = this.#samples.slice(Math.max(begin, 0));
    const first = this.#samples[0] ?? { time, done };
    return time > first.time ? ((done - first.done) / (time - first.time)) * 1000 : 0;
  }
}
