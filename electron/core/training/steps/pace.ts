import type { TrainingProgress } from '../../../shared/api/training.ts';
import { RunRate } from '../../runs/run-rate.ts';
import type { Clock } from '../../../shared/clock.ts';

/** How fast a session trains, and how long it has still to go. */
export class Pace {
  /** Duration of the last test on the hold-out; 0 before the first. */
  testSeconds = 0;
  readonly #clock: Clock;
  readonly #epochs: number;
  #rate: RunRate;
  #images = 0;
  #imagesPerSecond = 0;
  #lapAt: number;
  #savedAt: number;

  constructor(clock: Clock, epochs: number) {
    this.#clock = clock;
    this.#epochs = epochs;
    this.#rate = new RunRate(clock);
    this.#lapAt = this.#savedAt = clock();
  }

  /** Seconds since the last lap; another one begins. */
  lap(): number {
    const seconds = this.sinceLap;
    this.#lapAt = this.#clock();
    return seconds;
  }

  get sinceLap(): number {
    return (this.#clock() - this.#lapAt) / 1000;
  }

  get sinceSave(): number {
    return (this.#clock() - this.#savedAt) / 1000;
  }

  saved(): void {
    this.#savedAt = this.#clock();
  }

  stepped(images: number): void {
    this.#images += images;
    this.#imagesPerSecond = this.#rate.note(this.#images);
  }

  /** Steps go on after a test that took so long; it does not count as slow steps. */
  tested(seconds: number): void {
    this.testSeconds = seconds;
    this.#images = 0;
    this.#rate = new RunRate(this.#clock);
  }

  /** `imagesLeft`: of all steps; `epoch`: the one under way, from 1. */
  outlook(imagesLeft: number, epoch: number): Pick<TrainingProgress, 'secondsLeft' | 'imagesPerSecond'> {
    const imagesPerSecond = this.#imagesPerSecond;
    if (imagesPerSecond === 0) return { imagesPerSecond, secondsLeft: undefined };
    const tests = this.#epochs - epoch + 1;
    return { imagesPerSecond, secondsLeft: imagesLeft / imagesPerSecond + tests * this.testSeconds };
  }
}
