import type { QueueState } from '../../shared/api/runs.ts';
import { AppError } from '../../shared/errors.ts';
import type { Run } from '../../shared/run.ts';
import type { AppContext } from '../app/app-context.ts';
import { reasonOf } from '../runs/reason.ts';
import type { RunService, WorkOptions } from './run-service.ts';
import { describeRun } from '../results/describe-run.ts';
import type { DialRequest } from '../runs/run-spec.ts';
import { toLibraryError } from '../store/library-error.ts';
import type { QueueEntry } from '../store/tables/queue.ts';

const NOT_TOLD = 'The queue was not told to go on since Winnow was started; resume one of its runs.';

/**
 * Runs that wait, in the library, and the work on them one after the other while this process lives. After a restart
 * nothing starts until a run is queued or resumed. A run that fails makes way for the next; what stops every run, such as
 * a library that is locked or a person who pauses, halts the queue.
 */
export class RunQueue {
  readonly #context: AppContext;
  readonly #runService: RunService;
  #working: Promise<void> | undefined;
  #haltedBy: string | undefined = NOT_TOLD;
  #closed = false;

  constructor(context: AppContext, runService: RunService) {
    this.#context = context;
    this.#runService = runService;
  }

  state(): QueueState {
    const { library } = this.#context;
    const waiting = library.queue.all().map(({ runId }) => describeRun(library, this.#context.runRow(runId)));
    const halted = waiting.length > 0 && this.#working === undefined ? this.#haltedBy : undefined;
    return { current: this.#runService.progress, waiting, halted };
  }

  /** Queues a run behind the others; `start`: and goes on. */
  async add(
    folders: readonly string[],
    dial: DialRequest,
    options: WorkOptions & { start: boolean },
  ): Promise<Run> {
    const { library } = this.#context;
    const resolved = await this.#runService.resolve(folders, dial, options);
    const known = library.runs.find(resolved.spec);
    if (known !== undefined) this.#runService.refuseUnderWay('queue it again', known.id);
    const id = library.transaction(() => {
      const row = this.#runService.keep(resolved);
      library.queue.add(entry(row.id, options), 'last');
      return row.id;
    });
    if (options.start) this.#goOn();
    this.#changed();
    return describeRun(library, this.#context.runRow(id));
  }

  /** Queues a run that has not ended before the others, and goes on; one that is done stays as it is. */
  resume(runId: number): Run {
    const { library } = this.#context;
    const row = this.#context.runRow(runId);
    if (row.state === 'done') return describeRun(library, row);
    this.#runService.refuseUnderWay('resume it', runId);
    if (row.state !== 'queued') library.queue.add(entry(runId, {}), 'first');
    this.#goOn();
    this.#changed();
    return describeRun(library, this.#context.runRow(runId));
  }

  /** Gives a waiting run another place, from 0; those behind the last are the last. Throws NOT_FOUND. */
  move(runId: number, position: number): QueueState {
    const { library } = this.#context;
    library.transaction(() => {
      const others = library.queue.all().map((waiting) => waiting.runId);
      const from = others.indexOf(runId);
      if (from < 0) throw notWaiting(runId);
      others.splice(from, 1);
      others.splice(position, 0, runId);
      library.queue.order(others);
    });
    return this.#changed();
  }

  /** Throws NOT_FOUND. */
  leave(runId: number): QueueState {
    if (!this.#context.library.queue.remove(runId)) throw notWaiting(runId);
    return this.#changed();
  }

  /**
   * Forgets a run with its results, whether it waits or not; `onlyCheck`: only throws what speaks against it, which is
   * BAD_ARGUMENT while it is under way.
   */
  forget(runId: number, onlyCheck = false): undefined {
    const { library } = this.#context;
    const { state } = this.#context.runRow(runId);
    this.#runService.refuseUnderWay('remove it', runId);
    if (onlyCheck) return undefined;
    library.runs.remove(runId);
    if (state === 'queued') this.#changed();
    return undefined;
  }

  /** Starts nothing more; the run under way is the service's. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#working;
  }

  /** Starts the runs that wait, one after the other, unless that is under way. */
  #goOn(): void {
    if (this.#closed || this.#working !== undefined) return;
    this.#haltedBy = undefined;
    this.#working = this.#workThrough()
      .catch((error: unknown) => this.#halt(reasonOf(error)))
      .finally(() => {
        this.#working = undefined;
        if (!this.#closed) this.#changed();
      });
  }

  async #workThrough(): Promise<void> {
    await Promise.resolve(); // whoever queued a run hears of that first
    while (!this.#closed && this.#haltedBy === undefined) {
      const [next] = this.#context.library.queue.all();
      if (next === undefined) return;
      await this.#workOn(next);
    }
  }

  async #workOn({ runId, ...options }: QueueEntry): Promise<void> {
    const unsubscribe = this.#context.subscribe(({ type }) => {
      if (type === 'started') this.#changed(); // it waits no more
    });
    try {
      const { run, cancelled, notice } = await this.#runService.goOn(runId, options);
      this.#context.emit({ type: 'ended', run, error: notice });
      if (cancelled && run.state === 'paused') this.#haltedBy = `Run ${runId} was paused.`;
    } catch (error) {
      const known = toLibraryError(error, this.#context.libraryPath);
      const ofLibrary = known instanceof AppError && (known.code === 'LIBRARY' || known.code === 'DISK_FULL');
      const waits = this.#context.library.queue.all().some((one) => one.runId === runId);
      if (!ofLibrary || !waits) this.#failed(runId, known);
      if (ofLibrary) this.#waitForLibrary(known);
    } finally {
      unsubscribe();
    }
  }

  /** Another run would meet the same; but when the work that holds the library is this process's, its end is known. */
  #waitForLibrary(error: AppError): void {
    const isOurs = this.#context.library.onceWriterFree(() => this.#goOn());
    if (isOurs) this.#haltedBy = 'Its turn comes when the work that is under way is done.';
    else this.#halt(reasonOf(error));
  }

  #halt(reason: string): void {
    this.#haltedBy = reason;
    if (!this.#closed) this.#context.emit({ type: 'notice', message: `The queue waits. ${reason}` });
  }

  #failed(runId: number, error: unknown): void {
    const { library } = this.#context;
    library.transaction(() => {
      // It did not even begin.
      if (library.queue.remove(runId)) library.runs.setState(runId, 'failed', undefined, reasonOf(error));
    });
    const run = describeRun(library, this.#context.runRow(runId));
    this.#context.emit({ type: 'ended', run, error: reasonOf(error) });
  }

  #changed(): QueueState {
    const queue = this.state();
    this.#context.emit({ type: 'queue', queue });
    return queue;
  }
}

function entry(runId: number, { threads, batch }: WorkOptions): QueueEntry {
  return { runId, threads, batch };
}

function notWaiting(runId: number): AppError {
  return new AppError('NOT_FOUND', `Run ${runId} does not wait in the queue`);
}
