import type { TrainingDetails, TrainingEvent } from '../../../electron/shared/api/training.ts';
import { api } from '../../lib/connection/winnow.svelte.ts';
import { withEpoch, withStep } from './live-points.ts';

/** A training under way: fetched once, then updated by its events. */
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
      // After a change of state, or when pictures were read, more has changed than the event contains.
      if (training.state !== details.training.state || isRead) void this.load();
      return;
    }
    if (event.trainingId !== this.#id) return;
    if (event.type === 'trainingEpoch')
      this.details = { ...details, epochs: withEpoch(details.epochs, event.report) };
    else this.details = { ...details, steps: withStep(details.steps, event) };
  }
}
