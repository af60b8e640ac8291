import { extname } from 'node:path';
import type { CheckpointReport, modelArguments, ModelResults } from '../../shared/api/models.ts';
import type { CalibrationReport } from '../../shared/calibration.ts';
import type { CatalogueModel } from '../../shared/catalogue.ts';
import { AppError } from '../../shared/errors.ts';
import { calibrate } from '../calibration/calibrate.ts';
import { choosePresets } from '../calibration/choose-presets.ts';
import { calibrationKey } from '../calibration/find-calibration.ts';
import { knownImport } from '../catalogue/known-import.ts';
import { findModel } from '../catalogue/read-catalogue.ts';
import { recognise } from '../catalogue/recognise.ts';
import { freeName, inspectCheckpoint } from '../checkpoint/inspect-checkpoint.ts';
import { PACKAGE_EXTENSION } from '../packages/package-name.ts';
import { resolveFolders } from '../runs/run-folders.ts';
import { DEFAULT_MODEL, resolveDevice } from '../runs/run-spec.ts';
import type { DownloadService } from '../services/download-service.ts';
import type { AppContext, Calls, Request } from '../app/app-context.ts';

export function modelCalls(
  context: AppContext,
  { models }: Pick<DownloadService, 'models'>,
): Calls<keyof typeof modelArguments> {
  const { registry } = context;
  const calibrations = new Set<AbortController>(); // under way
  return {
    listModels: async () => {
      const { packages, damaged } = await registry.scan();
      return { packages, damaged: damaged.map(({ path, error }) => ({ path, reason: error.message })) };
    },
    showModel: ({ model }) => registry.show(model),
    verifyModel: ({ model }) => registry.verify(model),
    removeModel: async ({ model, onlyCheck }) => {
      refuseUnderWay(context, model);
      await registry.remove(model, onlyCheck);
      return undefined;
    },
    inspectCheckpoint: async ({ file }) => {
      const { packages } = await registry.scan();
      return inspectKnown(file, new Set(packages.map(({ name }) => name)), models);
    },
    importModel: async ({
      file,
      name,
      known,
      architecture,
      labels,
      tokenKeep,
      pruningLayers,
      halveDirections,
    }) => {
      if (isPackage(file)) return registry.adopt(file, name);
      return registry.import({
        ...(known === undefined
          ? {}
          : knownImport(findModel(models, known), await inspectCheckpoint(file, new Set()))),
        checkpointPath: file,
        name,
        ...(architecture === undefined ? {} : { architecture }),
        ...(labels === undefined ? {} : { labelsPath: labels }),
        ...(tokenKeep === undefined ? {} : { tokenKeep }),
        ...(pruningLayers === undefined ? {} : { pruningLayers }),
        ...(halveDirections === undefined ? {} : { halveDirections }),
      });
    },
    calibrate: async (wanted) => {
      const controller = new AbortController();
      calibrations.add(controller);
      try {
        return await calibrateModel(context, wanted, controller.signal);
      } finally {
        calibrations.delete(controller);
      }
    },
    cancelCalibration: () => {
      if (calibrations.size === 0) throw new AppError('NOT_FOUND', 'No calibration is under way here');
      for (const controller of calibrations) controller.abort();
      return undefined;
    },
    showCalibration: ({ model, device }) => showCalibration(context, model, device),
  };
}

/** Whether a file's name is that of a package, which another Winnow made. */
function isPackage(file: string): boolean {
  return extname(file).toLowerCase() === PACKAGE_EXTENSION;
}

/** What a checkpoint says of itself and, where it is a file of the catalogue, what that says of it. */
async function inspectKnown(
  file: string,
  taken: ReadonlySet<string>,
  models: readonly CatalogueModel[],
): Promise<CheckpointReport> {
  const report = await inspectCheckpoint(file, taken);
  const known = await recognise(file, report, models);
  if (known === undefined) return { ...report, known };
  return { ...report, known, suggestedName: freeName(known.name, taken), questions: [] };
}

/** Throws BAD_ARGUMENT while a run predicts with the model. */
function refuseUnderWay(context: AppContext, model: string): void {
  if (!context.libraryExists) return;
  const run = context.library.runs
    .all()
    .find(({ state, spec }) => (state === 'running' || state === 'scanning') && spec.modelName === model);
  if (run === undefined) return;
  throw new AppError(
    'BAD_ARGUMENT',
    `The model ${model} cannot be removed while run ${run.id} is at work with it`,
    'Pause the run or wait for its end, then remove the model.',
  );
}

async function calibrateModel(
  context: AppContext,
  wanted: Request<'calibrate'>,
  signal: AbortSignal,
): Promise<CalibrationReport> {
  const { engine, registry, clock } = context;
  const [folder] = wanted.images === undefined ? [] : await resolveFolders([wanted.images]);
  const model = await registry.find(wanted.model ?? DEFAULT_MODEL);
  const device = await resolveDevice(wanted.device ?? 'auto', engine);
  const modelSha256 = await registry.sha256(model);
  const key = calibrationKey(modelSha256, device, context.threads(wanted.threads));
  const { library } = context;
  const lock = library.acquireWriter(); // a run beside it would make every speed wrong
  try {
    const emit = context.emit.bind(context);
    return await calibrate({ library, engine, model, device, key, folder, clock, signal, emit });
  } finally {
    lock.release();
  }
}

async function showCalibration(
  context: AppContext,
  modelName: string,
  deviceName: string | undefined,
): Promise<ModelResults['showCalibration']> {
  const model = await context.registry.find(modelName);
  const device = await resolveDevice(deviceName ?? 'auto', context.engine);
  const key = calibrationKey(await context.registry.sha256(model), device, context.threads(undefined));
  const calibration = context.library.calibrations.get(key);
  return calibration && { calibration, modelName: model.name, presets: choosePresets(calibration) };
}
