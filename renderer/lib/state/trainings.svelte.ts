import type { Training, TrainingEvent } from '../../../electron/shared/api/training.ts';
import { notices, read } from './notices.svelte.ts';
import { api } from '../connection/winnow.svelte.ts';

export const isUnderWay = ({ state }: Pick<Training, 'state'>) =>
  state === 'preparing' || state === 'running';

class Trainings {
  /** The training under way: one at a time. */
  current: Training | undefined = $state.raw();
  /** Counts the trainings that began, ended or changed their state, so that lists of them are fetched again. */
  changes = $state(0);

  async load(): Promise<void> {
    const list = await read('trainings', () => api.listTrainings({}));
    if (list) this.current = list.find(isUnderWay);
  }

  /** Takes in an event; returns the training when this event ended it, in whatever state. */
  hear(event: TrainingEvent): Training | undefined {
    if (event.type !== 'training') return undefined;
    const { training } = event;
    const before = this.current;
    const isOwn = before?.id === training.id;
    if (isUnderWay(training)) {
      this.current = training;
      notices.settle({ training: training.id });
    } else if (isOwn) this.current = undefined;
    const hasEnded = isOwn && this.current === undefined;
    if (!isOwn || before.state !== training.state) this.changes++;
    return hasEnded ? training : undefined;
  }

  /** The newer of a training in a list and the one of the last event. */
  latest(training: Training): Training {
    return this.current?.id === training.id ? this.current : training;
  }
}

export const trainings = new Trainings();
