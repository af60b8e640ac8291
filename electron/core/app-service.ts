import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { appApiArguments, checkArguments } from '../shared/app-api.ts';
import type {
  AppApi,
  AppArguments,
  AppEvent,
  Evaluation,
  ExportSummary,
  ModelDetails,
  ModelListing,
  RunDetails,
} from '../shared/app-api.ts';
import type { CalibrationReport } from '../shared/calibration.ts';
import type { EngineApi } from '../shared/engine-api.ts';
import { AppError } from '../shared/errors.ts';
import type { ModelPackage } from '../shared/model-package.ts';
import type { Device, Run } from '../shared/run.ts';
import { calibrate } from './calibration/calibrate.ts';
import { calibratedPresets } from './calibration/choose-presets.ts';
import { calibrationKey, outlookOf } from './calibration/find-calibration.ts';
import { confusionText, evaluateRun, matchClassFolders } from './evaluate-run.ts';
import { exportRun } from './export-run.ts';
import { sha256OfFile } from './packages/model-registry.ts';
import type { ModelRegistry } from './packages/model-registry.ts';
import { resolveFolders } from './run-folders.ts';
import { describeRun, RunJob } from './run-job.ts';
import type { Clock } from './run-rate.ts';
import { runRows } from './run-rows.ts';
import { DEFAULT_MODEL, locateModel, resolveDevice, resolveSpec } from './run-spec.ts';
import type { DialRequest, PresetsOf } from './run-spec.ts';
import { toLibraryError } from './store/library-error.ts';
import type { Library } from './store/library.ts';
import type { RunRow } from './store/runs.ts';
import { writeFileWhole } from './write-file.ts';

/** How many failures and labels showRun lists. */
const SHOWN_FAILURES = 20;
const SHOWN_LABELS = 20;

export interface AppServiceParts {
  /** Opens the library when a call first needs it. */
  openLibrary: () => Library;
  engine: EngineApi;
  registry: ModelRegistry;
  clock: Clock;
}

/** The app without a window: AppApi over a library, an engine and a model registry. */
export class AppService implements AppApi {
  readonly #parts: AppServiceParts;
  readonly #listeners = new Set<(event: AppEvent) => void>();
  readonly #cancels = new Map<number, AbortController>(); // of the runs under way
  readonly #calibrations = new Set<AbortController>(); // of the calibrations under way
  #openedLibrary: Library | undefined;

  constructor(parts: AppServiceParts) {
    this.#parts = parts;
    parts.engine.onCrash((reason) =>
      this.#emit({ type: 'notice', message: `The engine is started again: ${reason}` }),
    );
  }

  subscribe(listener: (event: AppEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  run(request: AppArguments<'run'>): Promise<Run> {
    return this.#answer(async () => {
      const { folders, threads, batch, ...dial } = checkArguments(appApiArguments.run, request);
      return this.#startRun(folders, dial, { threads, batch });
    });
  }

  resume(request: AppArguments<'resume'>): Promise<Run> {
    return this.#answer(async () => {
      const { runId, ...options } = checkArguments(appApiArguments.resume, request);
      const row = this.#runRow(runId);
      if (row.state === 'done') return describeRun(this.#library, row);
      await resolveFolders(row.spec.folders); // all must be there: a missing drive is no reason to fail its files
      const model = await locateModel(this.#library.models.get(row.spec.modelSha256), this.#parts.registry);
      const device = await resolveDevice(row.spec.device, this.#parts.engine);
      return this.#work(() => this.#runRow(runId), model, device, options);
    });
  }

  cancel(request: AppArguments<'cancel'>): Promise<undefined> {
    return this.#answer(() => {
      const { runId } = checkArguments(appApiArguments.cancel, request);
      const controller = this.#cancels.get(runId);
      if (controller === undefined) throw new AppError('NOT_FOUND', `Run ${runId} is not under way here`);
      controller.abort();
      return undefined;
    });
  }

  listRuns(request: AppArguments<'listRuns'>): Promise<Run[]> {
    return this.#answer(() => {
      checkArguments(appApiArguments.listRuns, request);
      return this.#library.runs.all().map((row) => describeRun(this.#library, row));
    });
  }

  showRun(request: AppArguments<'showRun'>): Promise<RunDetails> {
    return this.#answer(() => {
      const row = this.#runRow(checkArguments(appApiArguments.showRun, request).runId);
      return describeDetails(this.#library, row);
    });
  }

  exportRun(request: AppArguments<'exportRun'>): Promise<ExportSummary> {
    return this.#answer(() => {
      const { runId, ...options } = checkArguments(appApiArguments.exportRun, request);
      return exportRun(this.#library, this.#runRow(runId), options);
    });
  }

  evaluate(request: AppArguments<'evaluate'>): Promise<Evaluation> {
    return this.#answer(async () => {
      const { folder, confusion, threads, batch, ...dial } = checkArguments(
        appApiArguments.evaluate,
        request,
      );
      const folders = await resolveFolders([folder]);
      const { manifest } = await this.#parts.registry.find(dial.model ?? DEFAULT_MODEL);
      const classFolders = await matchClassFolders(folders[0] ?? folder, manifest);
      const run = await this.#startRun(folders, dial, { threads, batch });
      if (run.state !== 'done')
        throw new AppError('CANCELLED', `The evaluation stopped before its end`, resumeHint(run));
      const result = evaluateRun(this.#library, run, classFolders);
      if (confusion !== undefined) {
        await writeFileWhole(resolve(confusion), confusionText(result.confusion, manifest.labels));
      }
      return { ...result.evaluation, run };
    });
  }

  calibrate(request: AppArguments<'calibrate'>): Promise<CalibrationReport> {
    return this.#answer(async () => {
      const wanted = checkArguments(appApiArguments.calibrate, request);
      const controller = new AbortController();
      this.#calibrations.add(controller);
      try {
        return await this.#calibrate(wanted, controller.signal);
      } finally {
        this.#calibrations.delete(controller);
      }
    });
  }

  cancelCalibration(request: AppArguments<'cancelCalibration'>): Promise<undefined> {
    return this.#answer(() => {
      checkArguments(appApiArguments.cancelCalibration, request);
      if (this.#calibrations.size === 0) throw new AppError('NOT_FOUND', 'No calibration is under way here');
      for (const controller of this.#calibrations) controller.abort();
      return undefined;
    });
  }

  listModels(request: AppArguments<'listModels'>): Promise<ModelListing> {
    return this.#answer(async () => {
      checkArguments(appApiArguments.listModels, request);
      const { packages, damaged } = await this.#parts.registry.scan();
      return { packages, damaged: damaged.map(({ path, error }) => ({ path, reason: error.message })) };
    });
  }

  showModel(request: AppArguments<'showModel'>): Promise<ModelDetails> {
    return this.#answer(() =>
      this.#parts.registry.show(checkArguments(appApiArguments.showModel, request).model),
    );
  }

  verifyModel(request: AppArguments<'verifyModel'>): Promise<ModelPackage> {
    return this.#answer(() =>
      this.#parts.registry.verify(checkArguments(appApiArguments.verifyModel, request).model),
    );
  }

  removeModel(request: AppArguments<'removeModel'>): Promise<undefined> {
    return this.#answer(async () => {
      await this.#parts.registry.remove(checkArguments(appApiArguments.removeModel, request).model);
      return undefined;
    });
  }

  importModel(request: AppArguments<'importModel'>): Promise<ModelPackage> {
    return this.#answer(() => {
      const { file, name, ...rest } = checkArguments(appApiArguments.importModel, request);
      const { architecture, labels, tokenKeep, pruningLayers } = rest;
      return this.#parts.registry.import({
        ...{ checkpointPath: file, name },
        ...(architecture === undefined ? {} : { architecture }),
        ...(labels === undefined ? {} : { labelsPath: labels }),
        ...(tokenKeep === undefined ? {} : { tokenKeep }),
        ...(pruningLayers === undefined ? {} : { pruningLayers }),
      });
    });
  }

  devices(request: AppArguments<'devices'>): Promise<Device[]> {
    return this.#answer(() => {
      checkArguments(appApiArguments.devices, request);
      return this.#parts.engine.devices();
    });
  }

  /** Closes the engine and the library; runs under way end with an error and can be resumed. */
  async close(): Promise<void> {
    await this.#parts.engine.close();
    this.#openedLibrary?.close();
  }

  #emit(event: AppEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  get #library(): Library {
    return (this.#openedLibrary ??= this.#parts.openLibrary());
  }

  #runRow(id: number): RunRow {
    const row = this.#library.runs.get(id);
    if (row === undefined) {
      throw new AppError('NOT_FOUND', `There is no run ${id} in the library`, '`winnow runs` lists them.');
    }
    return row;
  }

  async #startRun(folders: readonly string[], dial: DialRequest, options: WorkOptions): Promise<Run> {
    const { registry, engine } = this.#parts;
    const presetsOf: PresetsOf = (modelSha256, device) => {
      const key = calibrationKey(modelSha256, device, options.threads ?? availableParallelism());
      const calibration = this.#library.calibrations.get(key);
      return calibration && calibratedPresets(calibration);
    };
    const { spec, model, device } = await resolveSpec(folders, dial, registry, engine, presetsOf);
    const start = () => {
      const { name, path, manifest } = model;
      this.#library.models.put({ sha256: spec.modelSha256, name, path, manifest });
      const { id } = this.#library.runs.ensure(spec, new Date(this.#parts.clock()).toISOString());
      this.#library.runs.setState(id, 'scanning');
      return this.#runRow(id);
    };
    return this.#work(start, model, device, options);
  }

  async #calibrate(wanted: AppArguments<'calibrate'>, signal: AbortSignal): Promise<CalibrationReport> {
    const { engine, registry, clock } = this.#parts;
    const [folder] = wanted.images === undefined ? [] : await resolveFolders([wanted.images]);
    const model = await registry.find(wanted.model ?? DEFAULT_MODEL);
    const device = await resolveDevice(wanted.device ?? 'auto', engine);
    const modelSha256 = await sha256OfFile(model.path);
    const key = calibrationKey(modelSha256, device, wanted.threads ?? availableParallelism());
    const library = this.#library;
    const lock = library.acquireWriter(); // a run beside it would make every speed wrong
    try {
      const emit = (event: AppEvent) => this.#emit(event);
      return await calibrate({ library, engine, model, device, key, folder, clock, signal, emit });
    } finally {
      lock.release();
    }
  }

  /** Works on the run that `start` gives, alone in the library, until its end or its cancellation. */
  async #work(start: () => RunRow, model: ModelPackage, device: Device, options: WorkOptions): Promise<Run> {
    const library = this.#library;
    const threads = options.threads ?? availableParallelism();
    const { engine, clock } = this.#parts;
    const lock = library.acquireWriter();
    const controller = new AbortController();
    let id: number | undefined;
    try {
      const row = library.transaction(start);
      id = row.id;
      this.#cancels.set(id, controller);
      const emit = (event: AppEvent) => this.#emit(event);
      const outlook = outlookOf(library, row.spec, calibrationKey(row.spec.modelSha256, device, threads));
      const job = new RunJob(row, {
        ...{ library, engine, model, clock, emit, outlook, threads },
        signal: controller.signal,
        batch: options.batch,
      });
      await job.execute();
      return describeRun(library, this.#runRow(id));
    } finally {
      if (id !== undefined) this.#cancels.delete(id);
      lock.release();
    }
  }

  /** Runs a call; what SQLite throws becomes an AppError. */
  async #answer<T>(call: () => T | Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw toLibraryError(error, this.#openedLibrary?.path ?? '');
    }
  }
}

interface WorkOptions {
  threads?: number | undefined;
  batch?: number | undefined;
}

/** How to go on with a run that has not ended. */
export function resumeHint(run: Run): string {
  return `Go on with \`winnow resume ${run.id}\`.`;
}

function describeDetails(library: Library, row: RunRow): RunDetails {
  const { manifest } = library.models.get(row.spec.modelSha256);
  const labels = library.results.labelCounts(row.id).slice(0, SHOWN_LABELS);
  const failures = [];
  for (const { folder, rows } of runRows(library, row, { status: 'failed' })) {
    failures.push(
      ...rows.map(({ relativePath, error }) => ({ path: join(folder, relativePath), error: error ?? '' })),
    );
    if (failures.length >= SHOWN_FAILURES) break;
  }
  return {
    run: describeRun(library, row),
    labels: labels.map(({ classIndex, count }) => ({
      label: manifest.labels[classIndex]?.name ?? '',
      count,
    })),
    failures: failures.slice(0, SHOWN_FAILURES),
  };
}
