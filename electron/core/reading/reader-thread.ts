import { Worker } from 'node:worker_threads';
import { OpenCalls } from '../../shared/calls.ts';
import { AppError } from '../../shared/errors.ts';
import type { Changes } from '../store/change-log.ts';
import type { ReaderData, ReaderError, ReaderReply, ReaderRequest } from './messages.ts';
import type { QuestionName } from './questions.ts';
import { readerEntry } from './reader-entry.ts';

/** A thread that reads a library. It keeps no process alive while nothing is asked. */
export class ReaderThread {
  readonly #worker: Worker;
  readonly #open = new OpenCalls(toError);
  readonly #ended: Promise<void>;
  #closing = false;

  /** `onEnd` hears when it has ended, of itself or because it was closed. */
  constructor(libraryPath: string, onEnd: () => void) {
    this.#worker = new Worker(readerEntry, { workerData: { libraryPath } satisfies ReaderData });
    this.#worker.unref();
    let reason = 'it has ended';
    this.#worker.on('message', (reply: ReaderReply) => this.#take(reply));
    this.#worker.on('error', (error) => (reason = error instanceof Error ? error.message : String(error)));
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#open.end(
          () => new AppError('LIBRARY', `The thread that reads the library is gone: ${reason}`, 'Try again.'),
        );
        onEnd();
        resolve();
      });
    });
  }

  /** How many questions wait for their answers. */
  get load(): number {
    return this.#open.size;
  }

  /** `changes`: what was written since it was asked before, where the question is about a list. */
  ask(name: QuestionName, question: unknown, changes?: Changes): Promise<unknown> {
    return this.#open.send(name, [question, changes], (message) => {
      this.#send(message);
      this.#worker.ref();
    });
  }

  /** Lets go of the library when what was asked is answered. */
  async close(): Promise<void> {
    this.#closing = true; // whoever waits for the end keeps the process alive, also when the last answer comes before it
    this.#worker.ref();
    this.#send({ close: true });
    await this.#ended;
  }

  #send(request: ReaderRequest): void {
    this.#worker.postMessage(request);
  }

  #take(reply: ReaderReply): void {
    this.#open.settle(reply);
    if (this.#open.size === 0 && !this.#closing) this.#worker.unref();
  }
}

function toError(error: ReaderError): Error {
  if ('code' in error) return new AppError(error.code, error.message, error.hint);
  const mistake = new Error(error.message);
  if (error.stack !== undefined) mistake.stack = error.stack;
  return mistake;
}
