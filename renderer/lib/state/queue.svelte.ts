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

/** What is under way in Winnow, according to its events. */
class Queue {
  current: RunProgress | undefined = $state.raw();
  waiting: Run[] = $state.raw([]);
  /** Why no waiting run is started, in a sentence. */
  halted: string | undefined = $state.raw();
  /** Images of the run `sampledRun` that were just labelled, the last first. */
  samples: LabelledImage[] = $state.raw([]);
  sampledRun: number | undefined = $state();
  private lastSample = 0; // performance.now()
  /** Folder that is being scanned, with the files found so far; with a total, `files` are those read so far. */
  scanning: { path: string; files: number; total?: number | undefined } | undefined = $state.raw();
  calibrating: CalibrationProgress | undefined = $state.raw();
  /** Counts the runs that began or ended, so that lists of runs are fetched again. */
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

  /** Adds to the live sample. Thumbnails slow the run down, so a sample that is full changes slowly. */
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

  /** Takes a run that is under way out of the waiting ones. */
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
