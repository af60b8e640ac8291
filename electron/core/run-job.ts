import type { AppEvent, Outlook, RunPlan } from '../shared/app-api.ts';
import type { EngineApi, ImageOutcome } from '../shared/engine-api.ts';
import type { ModelPackage } from '../shared/model-package.ts';
import type { Run, RunCounts, RunProgress } from '../shared/run.ts';
import { countFlops } from './flops.ts';
import { predictPending } from './run-queue.ts';
import { RunRate } from './run-rate.ts';
import type { Clock } from './run-rate.ts';
import { scanRun } from './scan-run.ts';
import type { Library } from './store/library.ts';
import type { RunRow } from './store/runs.ts';

/** Images that are predicted and saved together when nobody says otherwise. */
const DEFAULT_BATCH = 16;

export interface JobOptions {
  library: Library;
  engine: EngineApi;
  model: ModelPackage;
  clock: Clock;
  signal: AbortSignal;
  emit: (event: AppEvent) => void;
  outlook: Outlook;
  threads: number;
  batch?: number | undefined;
}

/** A run with its counts, as it stands in the library. */
export function describeRun(library: Library, row: RunRow): Run {
  return { ...row, counts: library.results.counts(row.id) };
}

/** One session's work on a run. The caller holds the library's writer lock. */
export class RunJob {
  readonly #run: RunRow;
  readonly #options: JobOptions;
  readonly #threads: number;
  readonly #batch: number;

  constructor(run: RunRow, options: JobOptions) {
    this.#run = run;
    this.#options = options;
    this.#threads = options.threads;
    this.#batch = options.batch ?? DEFAULT_BATCH;
  }

  /**
   * Scans when the run is in state 'scanning', then predicts what is pending. Afterwards the run is 'done'; or
   * 'paused', or still 'scanning', when the signal was aborted; or 'failed' when this throws.
   */
  async execute(): Promise<void> {
    const { library, signal, emit, clock } = this.#options;
    const { id } = this.#run;
    emit({ type: 'started', plan: this.#plan() });
    if (this.#run.state === 'scanning') await this.#scan();
    if (signal.aborted) return;
    library.runs.setState(id, 'running');
    try {
      await this.#predict();
    } catch (error) {
      library.runs.setState(id, 'failed');
      throw error;
    }
    if (library.results.counts(id).pending > 0) library.runs.setState(id, 'paused');
    else library.runs.setState(id, 'done', new Date(clock()).toISOString());
  }

  #plan(): RunPlan {
    const { library, model } = this.#options;
    const { tokenKeep } = this.#run.spec.preset;
    const blockKeep = model.manifest.blockKeep ?? 1;
    const whole = countFlops(
      model.manifest,
      tokenKeep.map(() => 1),
      1,
    );
    return {
      run: describeRun(library, this.#run),
      bundledModel: model.bundled,
      workShare: countFlops(model.manifest, tokenKeep, blockKeep).actual / whole.actual,
      outlook: this.#options.outlook,
      threads: this.#threads,
      batch: this.#batch,
    };
  }

  async #scan(): Promise<void> {
    const { library, signal, emit } = this.#options;
    const progress = (total: number): RunProgress => ({
      runId: this.#run.id,
      phase: 'scanning',
      ...{ total, pending: total, ok: 0, failed: 0 },
      imagesPerSecond: 0,
      secondsLeft: undefined,
    });
    await scanRun(library, this.#run, signal, {
      onFound: (files) => emit({ type: 'progress', progress: progress(files) }),
      onNotice: (message) => emit({ type: 'notice', message }),
    });
  }

  async #predict(): Promise<void> {
    const { library, engine, model, signal } = this.#options;
    const { id, spec } = this.#run;
    const counts = library.results.counts(id);
    if (counts.pending === 0) return;
    const { device, preset } = spec;
    const { preprocessing } = model.manifest;
    const { precision } = preset;
    await engine.open({ packagePath: model.path, device, threads: this.#threads, precision, preprocessing });
    await predictPending({
      ...{ library, engine, runId: id, signal, batch: this.#batch },
      dial: { tokenKeep: preset.tokenKeep, blockThreshold: preset.blockThreshold },
      onSaved: this.#reporter(counts),
    });
  }

  /** Counts the images that were saved and tells of the progress. */
  #reporter(counts: RunCounts): (outcomes: readonly ImageOutcome[]) => void {
    const rate = new RunRate(this.#options.clock);
    const before = counts.pending;
    return (outcomes) => {
      for (const { status } of outcomes) counts[status]++;
      counts.pending -= outcomes.length;
      const imagesPerSecond = rate.note(before - counts.pending);
      const progress: RunProgress = {
        ...counts,
        runId: this.#run.id,
        phase: counts.pending === 0 ? 'done' : 'predicting',
        imagesPerSecond,
        secondsLeft: imagesPerSecond > 0 ? counts.pending / imagesPerSecond : undefined,
      };
      this.#options.emit({ type: 'progress', progress });
    };
  }
}
