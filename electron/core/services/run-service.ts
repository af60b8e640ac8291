import type { AppEvent } from '../../shared/app-api.ts';
import { AppError } from '../../shared/errors.ts';
import type { ModelPackage } from '../../shared/model-package.ts';
import { isPredicted } from '../../shared/run.ts';
import type {
  Device,
  FindSpec,
  FolderCounts,
  Predicted,
  PredictedSpec,
  Run,
  RunProgress,
} from '../../shared/run.ts';
import { calibratedPresets } from '../calibration/choose-presets.ts';
import { calibrationKey, outlookOf } from '../calibration/find-calibration.ts';
import type { AppContext } from '../app/app-context.ts';
import { resolveFolders } from '../runs/run-folders.ts';
import { describeRun } from '../results/describe-run.ts';
import { finderOf, finderSpec, labellingSpec, requireBoxes } from '../runs/find-spec.ts';
import { RunJob } from '../runs/run-job.ts';
import { TwoStageJob } from '../runs/two-stage-job.ts';
import type { BoxesFrom } from '../runs/two-stage-job.ts';
import { deviceToGoOn, locateModel, resolveSpec } from '../runs/run-spec.ts';
import type { DialRequest, ResolvedSpec } from '../runs/run-spec.ts';
import type { RunRow } from '../store/tables/runs.ts';

export interface WorkOptions {
  threads?: number | undefined;
  batch?: number | undefined;
}

/** How a session's work on a run ended. */
export interface Ending {
  run: Run;
  cancelled: boolean; // by a person
  notice: string | undefined; // why it stopped without being cancelled or failing
}

type PredictedRow = RunRow & Predicted;

/** What a session's work is done with. */
interface WorkModels {
  model: ModelPackage;
  device: Device;
  finder: ModelPackage | undefined; // of a run that finds first, where that is due
}

interface Work {
  controller: AbortController;
  progress: RunProgress;
}

/** Works on runs, one at a time in a library. */
export class RunService {
  readonly #context: AppContext;
  readonly #underWay = new Map<number, Work>();
  readonly #unsettled = new Set<Promise<unknown>>();

  constructor(context: AppContext) {
    this.#context = context;
    context.engine.onNote((note) => this.#keepNote(note, this.#underWay.keys()));
  }

  /** Of the run that is under way here. */
  get progress(): RunProgress | undefined {
    for (const { progress } of this.#underWay.values()) return progress;
    return undefined;
  }

  isUnderWay(runId: number): boolean {
    return this.#underWay.has(runId);
  }

  /**
   * Throws BAD_ARGUMENT while the run is under way, or any run here when none is named; `then` says what can be done
   * afterwards.
   */
  refuseUnderWay(then: string, runId?: number): void {
    if (runId !== undefined && this.#context.runRow(runId).elsewhere) {
      throw new AppError(
        'BAD_ARGUMENT',
        `Run ${runId} is under way in another Winnow`,
        `Pause it there or wait for its end, then ${then}.`,
      );
    }
    const busy = runId === undefined ? this.#underWay.size > 0 : this.isUnderWay(runId);
    if (!busy) return;
    const name = runId === undefined ? 'A run' : `Run ${runId}`;
    throw new AppError('BAD_ARGUMENT', `${name} is under way`, `Pause it or wait for its end, then ${then}.`);
  }

  /** Turns what was asked for into a spec. Throws NOT_FOUND, BAD_ARGUMENT or BAD_MODEL. */
  resolve(folders: readonly string[], dial: DialRequest, options: WorkOptions): Promise<ResolvedSpec> {
    const { registry, engine, library } = this.#context;
    return resolveSpec(folders, dial, {
      registry,
      engine,
      calibratedPresets: (modelSha256, device) => {
        const key = calibrationKey(modelSha256, device, this.#context.threads(options.threads));
        const calibration = library.calibrations.get(key);
        return calibration && calibratedPresets(calibration);
      },
      boxesOf: (runId, paths) => {
        const run = this.#context.runRow(runId);
        return { run, finder: requireBoxes(library, run, paths) };
      },
    });
  }

  /**
   * Keeps the run in the library, due for a scan, and with it the run that finds what it labels. The caller has a
   * transaction.
   */
  keep({ spec, model, models }: ResolvedSpec): PredictedRow {
    const { library } = this.#context;
    const put = (sha256: string, { name, path, manifest }: ModelPackage) =>
      library.models.put({ sha256, name, path, manifest });
    put(labellingSpec(spec).modelSha256, model);
    if (models !== undefined) library.models.put(models.pair);
    if (models?.finder !== undefined && spec.find !== undefined) put(spec.find.modelSha256, models.finder);
    const first = finderSpec(spec);
    if (first !== undefined)
      library.runs.setScanDue(library.runs.ensure(first, this.#context.now()).id, true);
    const { id } = library.runs.ensure(spec, this.#context.now());
    library.runs.setScanDue(id, true);
    return this.#predictedRow(id);
  }

  async start(folders: readonly string[], dial: DialRequest, options: WorkOptions): Promise<Run> {
    const resolved = await this.resolve(folders, dial, options);
    const { model, device, models } = resolved;
    const work = { model, device, finder: models?.finder };
    const { run } = await this.#work(() => this.keep(resolved), work, options);
    return run;
  }

  /** Goes on with a run; one that is done stays as it is. */
  async resume(runId: number, options: WorkOptions): Promise<Run> {
    const row = this.#context.runRow(runId);
    if (row.state === 'done') return describeRun(this.#context.library, row);
    return (await this.goOn(runId, options)).run;
  }

  /** Scans a run's folders when that is due, and predicts what is pending. */
  async goOn(runId: number, options: WorkOptions): Promise<Ending> {
    const { library, registry, engine } = this.#context;
    const { spec } = this.#predictedRow(runId);
    await resolveFolders(spec.folders); // all must be there: a missing drive is no reason to fail its files
    const locate = (sha256: string) => locateModel(library.models.get(sha256), registry);
    const model = await locate(labellingSpec(spec).modelSha256);
    const due = this.#finderDue(spec);
    const finder = due && (await locate(due.spec.modelSha256));
    const { device, note } = await deviceToGoOn(spec.device, engine);
    const take = () => {
      if (note !== undefined) this.#keepNote(note, [runId]);
      return this.#predictedRow(runId);
    };
    return this.#work(take, { model, device, finder }, options);
  }

  cancel(runId: number): undefined {
    const work = this.#underWay.get(runId);
    if (work === undefined) {
      if (this.#context.library.runs.get(runId)?.elsewhere === true) this.refuseUnderWay('go on here', runId);
      throw new AppError('NOT_FOUND', `Run ${runId} is not under way here`);
    }
    work.controller.abort();
    return undefined;
  }

  /** Ends the work on all runs; they can be resumed. */
  async close(): Promise<void> {
    for (const { controller } of this.#underWay.values()) controller.abort();
    await Promise.allSettled(this.#unsettled);
  }

  /** Keeps with runs what became of their devices, and tells. */
  #keepNote(note: string, runIds: Iterable<number>): void {
    const ids = [...runIds];
    for (const runId of ids) this.#context.library.runs.addNote(runId, note);
    const [runId] = ids;
    this.#context.emit({ type: 'notice', message: note, ...(runId !== undefined && { runId }) });
  }

  /** Throws NOT_FOUND, or BAD_ARGUMENT for a run of another tool. */
  #predictedRow(runId: number): PredictedRow {
    const row = this.#context.runRow(runId);
    if (isPredicted(row)) return row;
    throw new AppError(
      'BAD_ARGUMENT',
      `Run ${runId} was read from ${row.spec.imported?.path ?? 'a file'}, so there is nothing to predict in it`,
      'Start a run with a model here, and compare the two.',
    );
  }

  /** The run that finds for a run of such a spec, where it has not come to its end; made when there is none. */
  #finderDue(spec: PredictedSpec): PredictedRow | undefined {
    const first = finderSpec(spec);
    if (first === undefined) return undefined;
    const { library } = this.#context;
    const { id } = library.transaction(() => library.runs.ensure(first, this.#context.now()));
    const row = this.#predictedRow(id);
    return row.state === 'done' && !row.scanDue ? undefined : row;
  }

  /** Where the boxes come from that a run labels. Throws NOT_FOUND when the run that has them was removed. */
  #boxesOf(spec: PredictedSpec & { find: FindSpec }, finder: ModelPackage | undefined): BoxesFrom {
    const { library } = this.#context;
    const due = this.#finderDue(spec);
    if (due !== undefined && finder !== undefined) return { run: due, first: { run: due, model: finder } };
    const first = finderSpec(spec);
    const run = first === undefined ? library.runs.get(spec.find.run?.id ?? 0) : library.runs.find(first);
    if (run !== undefined && (first !== undefined || run.createdAt === spec.find.run?.createdAt)) {
      // Once, the labels of a run that finds first were taken for what was found.
      if (finderOf(library, run).sha256 === spec.find.modelSha256) return { run, first: undefined };
      throw new AppError(
        'BAD_ARGUMENT',
        `Expected what found the boxes of run ${run.id}, but this run was begun with the labels of those boxes`,
        'What was labelled stays; start a new run on those boxes.',
      );
    }
    throw new AppError(
      'NOT_FOUND',
      `Run ${spec.find.run?.id}, whose boxes are to be labelled, is not in the library any more`,
      'What was labelled stays; start a new run on the boxes of another.',
    );
  }

  #work(start: () => PredictedRow, models: WorkModels, options: WorkOptions): Promise<Ending> {
    const work = this.#workAlone(start, models, options);
    const settled = work.catch(() => undefined).finally(() => this.#unsettled.delete(settled));
    this.#unsettled.add(settled);
    return work;
  }

  /** Works on the run that `start` gives, alone in the library, until its end or its cancellation. */
  async #workAlone(
    start: () => PredictedRow,
    { model, device, finder }: WorkModels,
    options: WorkOptions,
  ): Promise<Ending> {
    const { library, engine, clock } = this.#context;
    const threads = this.#context.threads(options.threads);
    const lock = library.acquireWriter();
    const controller = new AbortController();
    let row: PredictedRow | undefined;
    let from: BoxesFrom | undefined;
    try {
      row = library.transaction(() => this.#take(start));
      const { id, spec } = row;
      from = hasFinder(row) ? this.#boxesOf(row.spec, finder) : undefined;
      const before = (run: RunRow) =>
        beforeFirst(describeRun(library, run), library.results.folderCounts(run.id));
      this.#underWay.set(id, { controller, progress: before(row) });
      if (from?.first !== undefined)
        this.#underWay.set(from.run.id, { controller, progress: before(from.run) });
      const emit = (event: AppEvent) => {
        if (event.type === 'progress') this.#underWay.set(id, { controller, progress: event.progress });
        this.#context.emit(event);
      };
      const own = labellingSpec(spec);
      const outlook = outlookOf(library, own, calibrationKey(own.modelSha256, device, threads));
      const parts = {
        library,
        engine,
        model,
        device,
        clock,
        emit,
        outlook,
        threads,
        signal: controller.signal,
        batch: options.batch,
      };
      const job =
        from !== undefined && hasFinder(row) ? new TwoStageJob(row, from, parts) : new RunJob(row, parts);
      const notice = await job.execute();
      const run = describeRun(library, this.#context.runRow(id));
      return { run, cancelled: controller.signal.aborted, notice };
    } finally {
      if (row !== undefined) this.#underWay.delete(row.id);
      if (from !== undefined) this.#underWay.delete(from.run.id);
      lock.release();
    }
  }

  /** Takes a run out of the queue if it waits there; from here on it is under way for whoever looks. */
  #take(start: () => PredictedRow): PredictedRow {
    const { library } = this.#context;
    const { id, scanDue } = start();
    library.queue.remove(id);
    library.runs.setState(id, scanDue ? 'scanning' : 'running');
    return this.#predictedRow(id);
  }
}

const hasFinder = (row: PredictedRow): row is PredictedRow & { spec: { find: FindSpec } } =>
  row.spec.find !== undefined;

function beforeFirst({ id, counts, blank }: Run, folders: FolderCounts[]): RunProgress {
  const nothingYet = { imagesPerSecond: 0, secondsLeft: undefined };
  return { ...counts, blank, runId: id, phase: 'scanning', ...nothingYet, folders };
}
