import type { Clock } from '../../shared/clock.ts';

/** Milliseconds that a speed is measured over: long enough to be calm, short enough to follow the network. */
const SPAN = 5000;

/** The speed at which a file comes, over the last seconds. */
export class DownloadMeter {
  readonly #clock: Clock;
  #marks: { at: number; bytes: number }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `done` of `total` bytes have come by now. 0 bytes a second until two seconds have gone by. */
  measure(
    done: number,
    total: number | undefined,
  ): { bytesPerSecond: number; secondsLeft: number | undefined } {
    const now = this.#clock();
    const last = this.#marks.at(-1);
    if (last === undefined || now - last.at >= SPAN / 10 || done < last.bytes) {
      if (last !== undefined && done < last.bytes) this.#marks = []; // it began anew
      this.#marks = [...this.#marks.filter(({ at }) => now - at <= SPAN), { at: now, bytes: done }];
    }
    const [first] = this.#marks;
    if (first === undefined || now - first.at < 2000) return { bytesPerSecond: 0, secondsLeft: undefined };
    const bytesPerSecond = (1000 * (done - first.bytes)) / (now - first.at);
    const isKnown = total !== undefined && bytesPerSecond > 0;
    return { bytesPerSecond, secondsLeft: isKnown ? (total - done) / bytesPerSecond : undefined };
  }
}
