import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { callsOver } from '../../shared/calls.ts';
import type { ArgumentsOf } from '../../shared/calls.ts';
import { AppError } from '../../shared/errors.ts';
import type { TrainerApi, TrainerCalls } from '../../shared/trainer-api.ts';
import { HostEnded, HostProcess } from './host-process.ts';
import { forkHost } from './start-host.ts';
import type { StartHost } from './start-host.ts';

/** A call that takes longer means that the host hangs, even on a slow machine with large pictures and batches. */
const CALL_LIMIT = 6 * 3_600_000; // milliseconds

/** A host that was asked for nothing so long is ended: it may hold gigabytes for a training that nobody starts. */
const IDLE_LIMIT = 10 * 60_000; // milliseconds

const CLOSED = 'the training host was closed';

export interface TrainerClientOptions {
  /** Module that calls serveTraining(); a test gives another one. */
  hostEntry?: string;
  /** How the host's process is started: under Node unless it is told otherwise. */
  startHost?: StartHost;
  idleLimit?: number; // milliseconds
}

/**
 * The training host as the rest of the app sees it. It is started when it is needed, and again when it has died: what was
 * open in it is gone then, and the next `open` goes on from the last saved state.
 */
export function connectTrainer(options: TrainerClientOptions = {}): TrainerApi {
  const client = new TrainerClient(options);
  return callsOver<TrainerCalls, Pick<TrainerApi, 'close'>>((call, args) => client.ask(call, args), {
    close: () => client.close(),
  });
}

class TrainerClient {
  readonly #hostEntry: string;
  readonly #startHost: StartHost;
  readonly #idleLimit: number;
  #host: HostProcess<TrainerCalls> | undefined;
  #underWay = 0; // calls
  #idle: NodeJS.Timeout | undefined;

  constructor(options: TrainerClientOptions) {
    this.#hostEntry = options.hostEntry ?? join(import.meta.dirname, '..', 'training-host.ts');
    this.#startHost = options.startHost ?? forkHost;
    this.#idleLimit = options.idleLimit ?? IDLE_LIMIT;
  }

  close(): Promise<void> {
    clearTimeout(this.#idle);
    this.#host?.kill(CLOSED);
    this.#host = undefined;
    return Promise.resolve();
  }

  async ask(call: keyof TrainerCalls, args: ArgumentsOf<TrainerCalls>): Promise<unknown> {
    if (this.#host?.ended !== undefined) this.#host = undefined;
    this.#host ??= new HostProcess<TrainerCalls>(
      this.#startHost,
      this.#hostEntry,
      availableParallelism(),
      'the training host',
    );
    clearTimeout(this.#idle);
    this.#underWay++;
    try {
      return await this.#host.ask(call, args, CALL_LIMIT);
    } catch (error) {
      if (!(error instanceof HostEnded)) throw error;
      if (error.message === CLOSED) throw new AppError('CANCELLED', 'The training host was closed');
      throw new AppError(
        'ENGINE',
        `Training stopped: ${error.message}`,
        '`winnow train --resume N` goes on from the last saved state; `winnow trainings` lists the numbers.',
        { cause: error },
      );
    } finally {
      if (--this.#underWay === 0) this.#idle = setTimeout(() => void this.close(), this.#idleLimit).unref();
    }
  }
}
