import type { QueueState, RunEvent } from '../../../electron/shared/api/runs.ts';
import type { CalibrationProgress } from '../../../electron/shared/calibration.ts';
import type { Run, RunProgress } from '../../../electron/shared/run.ts';
import { read } from './notices.svelte.ts';
import { api } from '../connection/winnow.svelte.ts';

export interface LabelledImage {
  imageId: number;
  label: string;
  confidence: number;
}

const SAMPLES = 12; // pictures of the live sample
const SAMPLE_PAUSE = 1500; // milliseconds between two changes of a full sample
const SAMPLE_STEP = 2; // pictures that one change brings

/** What is under way in Winnow, as its events tell it. */
class Queue {
  current: RunProgress | undefined = $state.raw();
  waiting: Run[] = $state.raw([]);
  /** Why none of those that wait is started, in a sentence. */
  halted: string | undefined = $state.raw();
  /** Images that were just labelled, the last first, of the run `sampledRun`. */
  samples: LabelledImage[] = $state.raw([]);
  sampledRun: number | undefined = $state();
  private lastSample = 0; // performance.now()
  /** Folder that is being scanned, with the files found so far; with a total, those of them that are read. */
  scanning: { path: string; files: number; total?: number | undefined } | undefined = $state.raw();
  calibrating: CalibrationProgress | undefined = $state.raw();
  /** Raised when a run began or ended: lists of runs fetch again. */
  changes = $state(0);

  async load(): Promise<void> {
    const queue = await read('queue', () => api.showQueue({}));
    if (queue) this.use(queue);
  }

  use({ current, waiting, halted }: QueueState): void {
    this.current = current;
    this.halted = halted;
    this.waiting = waiting.filter(({ id }) => id !== current?.runId);
  }

  /** Every picture costs a thumbnail, which the engine makes beside the run: a full sample changes slowly. */
  private sample(runId: number, images: LabelledImage[]): void {
    if (this.sampledRun !== runId) this.samples = [];
    this.sampledRun = runId;
    const isFull = this.samples.length === SAMPLES;
    const now = performance.now();
    if (isFull && now - this.lastSample < SAMPLE_PAUSE) return;
    this.lastSample = now;
    const fresh = images.toReversed().slice(0, isFull ? SAMPLE_STEP : SAMPLES);
    this.samples = [...fresh, ...this.samples].slice(0, SAMPLES);
  }

  /** What is under way does not wait. */
  private leave(runId: number): void {
    if (this.waiting.some(({ id }) => id === runId))
      this.waiting = this.waiting.filter(({ id }) => id !== runId);
  }

  hear(event: RunEvent): void {
    switch (event.type) {
      case 'progress':
        this.current = event.progress.phase === 'done' ? undefined : event.progress;
        this.leave(event.progress.runId);
        break;
      case 'queue':
        this.use(event.queue);
        this.changes++;
        break;
      case 'labelled':
        this.sample(event.runId, event.images);
        break;
      case 'scanning':
        this.scanning = { path: event.path, files: event.files, total: event.total };
        break;
      case 'calibrating':
        this.calibrating = event.progress;
        break;
      case 'started':
        this.changes++;
        break;
      case 'ended':
        if (this.current?.runId === event.run.id) this.current = undefined;
        this.scanning = undefined;
        this.changes++;
        break;
      case 'notice':
        break; // shown by the window
    }
  }
}

export const queue = new Queue();
