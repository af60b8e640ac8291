import type { AppEvent } from '../../shared/app-api.ts';
import type { ModelPackage } from '../../shared/model-package.ts';
import { nearestPrecision } from '../../shared/run.ts';
import type { FindSpec, Predicted, RunCounts, RunProgress } from '../../shared/run.ts';
import { BatchSize, usualBatch } from '../models/batch-size.ts';
import { displayNames } from '../models/class-names.ts';
import { modelInput } from '../models/model-input.ts';
import { countBlank } from '../results/describe-run.ts';
import type { RunRow } from '../store/tables/runs.ts';
import { foundClasses } from './find-spec.ts';
import type { FoundClasses } from './find-spec.ts';
import { labelPending } from './label-pending.ts';
import type { LabelledImage } from './label-pending.ts';
import { carryOut, planOf, RunJob, TOLD_IMAGES } from './run-job.ts';
import type { JobOptions } from './run-job.ts';
import { RunRate } from './run-rate.ts';

/** Where the boxes of a run come from. */
export interface BoxesFrom {
  run: RunRow;
  /** The detection model of that run, which goes first; undefined where its boxes are taken as they are. */
  first: { run: RunRow & Predicted; model: ModelPackage } | undefined;
}

type Done = Pick<RunProgress, 'ok' | 'failed' | 'blank'>;
type FindingRun = RunRow & Predicted & { spec: { find: FindSpec } };

/**
 * One session's work on a run that finds first: the detection model's own run, then the labels of its boxes. What is found
 * is kept in that run, so that another classifier does not have it found again, and what is labelled in this one.
 */
export class TwoStageJob {
  readonly #run: FindingRun;
  readonly #from: BoxesFrom;
  readonly #options: JobOptions;
  readonly #classes: FoundClasses;
  #before: Done | undefined; // while boxes are found

  constructor(run: FindingRun, from: BoxesFrom, options: JobOptions) {
    this.#run = run;
    this.#from = from;
    this.#options = options;
    const finder = options.library.models.get(run.spec.find.modelSha256).manifest;
    this.#classes = foundClasses(finder.labels, options.model.manifest.labels, run.spec.find.pass);
  }

  /** Finds what is new or changed, then labels the boxes of what is pending here; ends as carryOut does. */
  async execute(): Promise<string | undefined> {
    const { library, signal, emit } = this.#options;
    const { id } = this.#run;
    emit({ type: 'started', plan: planOf(this.#run, this.#options) });
    return carryOut(id, this.#options, async () => {
      const notice = await this.#find();
      if (notice !== undefined) return notice;
      this.#follow();
      if (signal.aborted) return undefined;
      library.runs.setScanDue(id, false);
      await this.#label();
      return undefined;
    });
  }

  /** Lets the run that finds go on to its end; a sentence when a folder of it went away. */
  async #find(): Promise<string | undefined> {
    const { first } = this.#from;
    if (first === undefined) return undefined;
    const { library } = this.#options;
    library.runs.setState(this.#run.id, first.run.scanDue ? 'scanning' : 'running');
    const emit = (event: AppEvent) => this.#tellOfFinding(event);
    const job = new RunJob(first.run, { ...this.#options, model: first.model, emit });
    return job.execute();
  }

  /** Tells of the finder's run as of this one. */
  #tellOfFinding(event: AppEvent): void {
    const { emit } = this.#options;
    const { id } = this.#run;
    if (event.type === 'notice') emit({ ...event, runId: id });
    if (event.type !== 'progress') return;
    const { progress } = event;
    if (progress.phase === 'scanning') {
      emit({ type: 'progress', progress: { ...progress, runId: id } });
      return;
    }
    const { total, pending, folders, imagesPerSecond } = progress;
    const done = (this.#before ??= this.#follow()); // its images are known from here on, whatever happens
    emit({
      type: 'progress',
      progress: {
        ...done,
        total,
        pending: Math.max(0, total - done.ok - done.failed),
        runId: id,
        phase: 'predicting',
        imagesPerSecond,
        secondsLeft: undefined, // how many boxes there will be is not known yet
        stages: { found: { done: total - pending, total }, labelled: { done: 0, total: 0 } },
        folders: folders.map((folder) => ({ ...folder, done: 0 })),
      },
    });
  }

  /** Makes the images of this run those of the finder's; comes back with what is done of them. */
  #follow(): Done {
    const { library } = this.#options;
    const { id } = this.#run;
    library.transaction(() => library.boxLabels.follow(id, this.#from.run.id));
    const { ok, failed } = library.results.counts(id);
    return { ok, failed, blank: countBlank(library, this.#run) };
  }

  async #label(): Promise<void> {
    const { library, engine, model, device, signal, batch, threads } = this.#options;
    const { id, spec } = this.#run;
    library.runs.setState(id, 'running');
    const counts = library.results.counts(id);
    if (counts.pending === 0) return;
    const { tokenKeep, blockThreshold, precision } = spec.preset;
    const { batchesUnderWay } = await engine.open({
      packagePath: model.path,
      device: device.name,
      threads,
      precision: nearestPrecision(precision, device) ?? precision,
      input: modelInput(model.manifest),
    });
    const count = this.#counter(counts);
    const sample = this.#sampler();
    await labelPending({
      library,
      engine,
      runId: id,
      finderId: this.#from.run.id,
      find: spec.find,
      classes: this.#classes,
      dial: { tokenKeep, blockThreshold },
      batchSize: new BatchSize(batch ?? usualBatch(device, model)),
      batchesUnderWay,
      signal,
      onSaved: (images) => {
        sample(images);
        count(images);
      },
    });
  }

  /** Counts what was saved and tells of the progress: pictures, and boxes, which the time goes with. */
  #counter(counts: RunCounts): (images: readonly LabelledImage[]) => void {
    const { library, clock, emit } = this.#options;
    const { id, spec } = this.#run;
    const boxes = library.found.countPending(id, this.#from.run.id, spec.find.minScore, [
      ...this.#classes.passed.keys(),
    ]);
    const [pictures, labels] = [new RunRate(clock), new RunRate(clock)];
    const before = counts.pending;
    let blank = countBlank(library, this.#run);
    let labelled = 0;
    const folders = new Map(library.results.folderCounts(id).map((folder) => [folder.path, folder]));
    return (images) => {
      for (const { pending, outcome, labelled: own } of images) {
        counts[outcome.status]++;
        if (outcome.status === 'ok' && outcome.top.length === 0) blank++;
        labelled += own;
        const folder = folders.get(pending.folder);
        if (folder !== undefined) folder.done++;
      }
      counts.pending -= images.length;
      const boxesPerSecond = labels.note(labelled);
      const progress: RunProgress = {
        ...counts,
        blank,
        runId: id,
        phase: counts.pending === 0 ? 'done' : 'predicting',
        imagesPerSecond: pictures.note(before - counts.pending),
        secondsLeft: boxesPerSecond > 0 ? (boxes - labelled) / boxesPerSecond : undefined,
        stages: {
          found: { done: counts.total, total: counts.total },
          labelled: { done: labelled, total: boxes },
        },
        folders: [...folders.values()].map((folder) => ({ ...folder })),
      };
      emit({ type: 'progress', progress });
    };
  }

  /** Tells of some of the images that were saved. */
  #sampler(): (images: readonly LabelledImage[]) => void {
    const names = displayNames(this.#classes.labels);
    return (images) => {
      const told = images.slice(0, TOLD_IMAGES).flatMap(({ pending, outcome }) => {
        if (outcome.status === 'failed') return [];
        const [best] = outcome.top;
        const label = best === undefined ? '' : (names[best.classIndex] ?? '');
        return [{ imageId: pending.imageId, label, confidence: best?.confidence ?? 0 }];
      });
      if (told.length > 0) this.#options.emit({ type: 'labelled', runId: this.#run.id, images: told });
    };
  }
}
