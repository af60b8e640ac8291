import type { Training, TrainingEvent } from '../../../electron/shared/api/training.ts';
import { notices, read } from './notices.svelte.ts';
import { api } from '../connection/winnow.svelte.ts';

export const isUnderWay = ({ state }: Pick<Training, 'state'>) =>
  state === 'preparing' || state === 'running';

class Trainings {
  /** The training under way: one at a time. */
  current: Training | undefined = $state.raw();
  /** Raised when a training began, ended or changed its state: lists of trainings fetch again. */
  changes = $state(0);

  async load(): Promise<void> {
    const list = await read('trainings', () => api.listTrainings({}));
    if (list) this.current = list.find(isUnderWay);
  }

  /** Gives the training when it came to its end by this, whatever that is. */
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

  /** What is known of a training now: an event may know more of it than a list. */
  latest(training: Training): Training {
    return this.current?.id === training.id ? this.current : training;
  }
}

export const trainings = new Trainings();
