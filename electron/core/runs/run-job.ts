import type { Outlook, RunPlan } from '../../shared/api/runs.ts';
import type { AppEvent } from '../../shared/app-api.ts';
import type { EngineApi, ImageOutcome } from '../../shared/engine-api.ts';
import type { ModelPackage } from '../../shared/model-package.ts';
import { nearestPrecision } from '../../shared/run.ts';
import type { Device, FolderCounts, Predicted, RunCounts, RunProgress } from '../../shared/run.ts';
import { BatchSize, usualBatch } from '../models/batch-size.ts';
import { displayNames } from '../models/class-names.ts';
import { countBlank, describeRun } from '../results/describe-run.ts';
import { foundClasses, heldLabel, leastScore } from '../results/held-label.ts';
import { workShare } from '../models/flops.ts';
import { modelInput } from '../models/model-input.ts';
import { FolderGone, predictPending } from './predict-pending.ts';
import { reasonOf } from './reason.ts';
import { RunRate } from './run-rate.ts';
import type { Clock } from '../../shared/clock.ts';
import { scanRun } from './scan-run.ts';
import type { Library } from '../store/library.ts';
import type { PendingImage } from '../store/tables/results.ts';
import type { RunRow } from '../store/tables/runs.ts';

/** Images of a batch that are told of. */
export const TOLD_IMAGES = 8;

export interface JobOptions {
  library: Library;
  engine: EngineApi;
  model: ModelPackage;
  device: Device; // the spec's, or another in its place
  clock: Clock;
  signal: AbortSignal;
  emit: (event: AppEvent) => void;
  outlook: Outlook;
  threads: number;
  /** Images that are predicted and saved together; without it the number finds itself. */
  batch?: number | undefined;
}

/** What is told of a run before its work begins. */
export function planOf(run: RunRow & Predicted, options: JobOptions): RunPlan {
  const { library, model, outlook, threads, batch } = options;
  const { tokenKeep, inputSize } = run.spec.preset;
  return {
    run: describeRun(library, run),
    bundledModel: model.bundled,
    workShare: workShare(model.manifest, tokenKeep, inputSize),
    outlook,
    threads,
    batch,
  };
}

/**
 * Does the work of a run and keeps how it ended. Afterwards the run is 'done'; 'paused' when the signal was aborted, when
 * `work` gives a reason, or when a folder went away, which a notice names; or 'failed' when this throws. Gives the reason of
 * a pause that nobody asked for.
 */
export async function carryOut(
  id: number,
  { library, signal, emit, clock }: JobOptions,
  work: () => Promise<string | undefined>,
): Promise<string | undefined> {
  try {
    const reason = await work();
    if (reason !== undefined) {
      library.runs.setState(id, 'paused', undefined, reason);
      return reason;
    }
  } catch (error) {
    if (!(error instanceof FolderGone)) {
      if (signal.aborted) library.runs.setState(id, 'paused');
      else library.runs.setState(id, 'failed', undefined, reasonOf(error));
      throw error;
    }
    const reason = pauseNotice(id, error);
    library.runs.setState(id, 'paused', undefined, reason);
    emit({ type: 'notice', message: reason, runId: id });
    return reason;
  }
  const complete = !library.runs.get(id)?.scanDue && library.results.counts(id).pending === 0;
  if (complete) library.runs.setState(id, 'done', new Date(clock()).toISOString());
  else library.runs.setState(id, 'paused');
  return undefined;
}

/** One session's work on a run. The caller holds the library's writer lock. */
export class RunJob {
  readonly #run: RunRow & Predicted;
  readonly #options: JobOptions;
  readonly #threads: number;

  constructor(run: RunRow & Predicted, options: JobOptions) {
    this.#run = run;
    this.#options = options;
    this.#threads = options.threads;
  }

  /** Scans when that is due, then predicts what is pending; ends as carryOut does. */
  async execute(): Promise<string | undefined> {
    const { signal, emit } = this.#options;
    emit({ type: 'started', plan: planOf(this.#run, this.#options) });
    return carryOut(this.#run.id, this.#options, async () => {
      if (this.#run.scanDue) await this.#scan();
      if (!signal.aborted) await this.#predict();
      return undefined;
    });
  }

  async #scan(): Promise<void> {
    const { library, signal, emit } = this.#options;
    const { id } = this.#run;
    library.runs.setState(id, 'scanning');
    const progress = (total: number, folders: FolderCounts[]): RunProgress => ({
      runId: id,
      phase: 'scanning',
      total,
      pending: total,
      ok: 0,
      failed: 0,
      blank: 0,
      imagesPerSecond: 0,
      secondsLeft: undefined,
      folders,
    });
    await scanRun(library, this.#run, signal, {
      onFound: (files, folders) => emit({ type: 'progress', progress: progress(files, folders) }),
      onNotice: (message) => emit({ type: 'notice', message, runId: id }),
    });
    if (!signal.aborted) library.runs.setScanDue(id, false);
  }

  async #predict(): Promise<void> {
    const { library, engine, model, device, signal, batch } = this.#options;
    const { id, spec } = this.#run;
    library.runs.setState(id, 'running');
    const counts = library.results.counts(id);
    if (counts.pending === 0) return;
    const { preset, slideStride, detection } = spec;
    const { tokenKeep, blockThreshold, inputSize } = preset;
    const precision = nearestPrecision(preset.precision, device) ?? preset.precision;
    const input = modelInput(model.manifest, inputSize);
    const { batchesUnderWay } = await engine.open({
      packagePath: model.path,
      device: device.name,
      threads: this.#threads,
      precision,
      input,
    });
    const count = this.#counter(counts);
    const sample = this.#sampler();
    await predictPending({
      library,
      engine,
      runId: id,
      signal,
      batchesUnderWay,
      batchSize: new BatchSize(batch ?? usualBatch(device, model)),
      dial: { tokenKeep, blockThreshold, slideStride, detection },
      depth: model.manifest.depth,
      onSaved: (images, outcomes) => {
        sample(images, outcomes);
        count(images, outcomes);
      },
    });
  }

  /** Counts the images that were saved and tells of the progress. */
  #counter(counts: RunCounts): (images: readonly PendingImage[], outcomes: readonly ImageOutcome[]) => void {
    const rate = new RunRate(this.#options.clock);
    const before = counts.pending;
    const { task } = this.#options.model.manifest;
    let blank = countBlank(this.#options.library, this.#run);
    const folders = new Map(
      this.#options.library.results.folderCounts(this.#run.id).map((folder) => [folder.path, folder]),
    );
    return (images, outcomes) => {
      for (const outcome of outcomes) {
        counts[outcome.status]++;
        if (
          outcome.status === 'ok' &&
          foundClasses(outcome.top, leastScore(task, undefined, this.#run.spec)).length === 0
        )
          blank++;
      }
      for (const image of images) {
        const folder = folders.get(image.folder);
        if (folder !== undefined) folder.done++;
      }
      counts.pending -= outcomes.length;
      const imagesPerSecond = rate.note(before - counts.pending);
      const progress: RunProgress = {
        ...counts,
        blank,
        runId: this.#run.id,
        phase: counts.pending === 0 ? 'done' : 'predicting',
        imagesPerSecond,
        secondsLeft: imagesPerSecond > 0 ? counts.pending / imagesPerSecond : undefined,
        folders: [...folders.values()].map((folder) => ({ ...folder })),
      };
      this.#options.emit({ type: 'progress', progress });
    };
  }

  /** Tells of some of the images that were saved. */
  #sampler(): (images: readonly PendingImage[], outcomes: readonly ImageOutcome[]) => void {
    const { labels, task } = this.#options.model.manifest;
    const names = displayNames(labels);
    const minScore = leastScore(task, undefined, this.#run.spec);
    return (images, outcomes) => {
      const labelled = images.flatMap(({ imageId }, index) => {
        const outcome = outcomes[index];
        if (outcome?.status !== 'ok') return [];
        const row = { status: outcome.status, top: outcome.top, humanLabel: undefined };
        const { label = '', confidence = 0 } = heldLabel(row, names, minScore);
        return [{ imageId, label, confidence }];
      });
      if (labelled.length === 0) return;
      const { id } = this.#run;
      this.#options.emit({ type: 'labelled', runId: id, images: labelled.slice(0, TOLD_IMAGES) });
    };
  }
}

/** Says that a run is paused since a folder went away. */
function pauseNotice(runId: number, { message }: FolderGone): string {
  return `${message}, so run ${runId} is paused. Connect its drive again, then go on with the run.`;
}
