import type { TrainingPlan } from '../../../electron/shared/api/training.ts';
import { AppError } from '../../../electron/shared/errors.ts';
import { queue } from '../../lib/state/queue.svelte.ts';
import { api } from '../../lib/connection/winnow.svelte.ts';
import { samePictures } from './training-form.ts';
import type { TrainingRequest } from './training-form.ts';

const PAUSE = 500; // milliseconds after the last change, before a plan is made

/** Keeps a plan for the last request: a new one cancels the plan that is being made. */
export class Planner {
  /** The plan for the requested pictures; while it is busy, the settings may still be those before the last change. */
  plan: TrainingPlan | undefined = $state.raw();
  error: unknown = $state.raw();
  isBusy = $state(false);
  #isFirst = true;
  #wanted: TrainingRequest | undefined;
  #planned: TrainingRequest | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Makes a plan for another request, `PAUSE` after the last call. */
  ask(request: TrainingRequest | undefined): void {
    if (JSON.stringify(request) !== JSON.stringify(this.#wanted)) this.#begin(request);
  }

  again(): void {
    this.#begin(this.#wanted && { ...this.#wanted });
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#wanted = undefined;
  }

  #begin(request: TrainingRequest | undefined): void {
    clearTimeout(this.#timer);
    const isSame =
      request !== undefined && this.#planned !== undefined && samePictures(request, this.#planned);
    if (!isSame) this.plan = undefined;
    this.#wanted = request;
    this.error = undefined;
    this.isBusy = request !== undefined;
    if (request === undefined) return;
    this.#timer = setTimeout(() => void this.#make(request), this.#isFirst ? 0 : PAUSE);
    this.#isFirst = false;
  }

  async #make(request: TrainingRequest): Promise<void> {
    queue.scanning = undefined; // left over from an earlier scan
    try {
      const plan = await api.prepareTraining(request);
      if (request !== this.#wanted) return;
      [this.plan, this.#planned] = [plan, request];
      this.isBusy = false;
    } catch (error) {
      if (request !== this.#wanted) return;
      this.isBusy = false;
      if (error instanceof AppError && error.code === 'CANCELLED') return;
      this.error = error;
    }
  }
}
