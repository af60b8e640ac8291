import type { TrainingDetails, TrainingEvent } from '../../../electron/shared/api/training.ts';
import type { EpochReport } from '../../../electron/shared/training.ts';
import { thin } from '../../lib/chart.ts';
import { api } from '../../lib/winnow.svelte.ts';

const MOST_POINTS = 600; // of a curve: about one for each pixel that it has

type StepPoint = TrainingDetails['steps'][number];

/** A training as it goes on: fetched once, then kept true by its events. */
export class FollowedTraining {
  details: TrainingDetails | undefined = $state.raw();
  error: unknown = $state.raw();
  readonly #id: number;

  constructor(id: number) {
    this.#id = id;
  }

  async load(): Promise<void> {
    try {
      this.details = await api.showTraining({ trainingId: this.#id });
      this.error = undefined;
    } catch (error) {
      this.error = error;
    }
  }

  hear(event: TrainingEvent): void {
    const { details } = this;
    if (details === undefined) return;
    if (event.type === 'training') {
      const { training } = event;
      if (training.id !== this.#id) return;
      this.details = { ...details, training };
      const isRead = details.classes.length === 0 && training.progress.phase !== 'reading';
      // Another state, or pictures that are read, come with more than the event tells.
      if (training.state !== details.training.state || isRead) void this.load();
      return;
    }
    if (event.trainingId !== this.#id) return;
    if (event.type === 'trainingEpoch')
      this.details = { ...details, epochs: withEpoch(details.epochs, event.report) };
    else this.details = { ...details, steps: withStep(details.steps, event) };
  }
}

/** A training that was resumed goes back to where it was saved last, and takes some steps again. */
export function withStep(steps: readonly StepPoint[], { step, report }: StepPoint): StepPoint[] {
  const before = (steps.at(-1)?.step ?? 0) < step ? steps : steps.filter((point) => point.step < step);
  return thin([...before, { step, report }], MOST_POINTS);
}

export function withEpoch(epochs: readonly EpochReport[], report: EpochReport): EpochReport[] {
  return [...epochs.filter(({ epoch }) => epoch < report.epoch), report];
}
