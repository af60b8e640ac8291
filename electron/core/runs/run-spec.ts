import type { Manifest, ModelPackage, Task } from '../../shared/model-package.ts';
import type { EngineApi } from '../../shared/engine-api.ts';
import { AppError } from '../../shared/errors.ts';
import { isGpu } from '../../shared/run.ts';
import type { Device, FindSpec, Precision, PredictedSpec, Preset } from '../../shared/run.ts';
import { taskSettings } from '../models/model-input.ts';
import type { ModelRegistry } from '../registry/model-registry.ts';
import { checkPrecision, customPreset, standardPresets } from '../models/presets.ts';
import { pairOf, resolveLabelling } from './find-spec.ts';
import type { Finder, FindRequest } from './find-spec.ts';
import { resolveFolders } from './run-folders.ts';
import type { ModelRow } from '../store/tables/models.ts';
import type { RunRow } from '../store/tables/runs.ts';
import { TASK_SETTINGS, TASKS } from '../../shared/tasks.ts';
import type { TaskRecord, TaskSetting } from '../../shared/tasks.ts';

/** The model of a person who names none: it comes with Winnow. */
export const DEFAULT_MODEL = 'everyday10';
const DEFAULT_PRESET = 'balanced';

/** How a run predicts, as asked for; what is left out has a default. */
export interface DialRequest {
  model?: string | undefined;
  preset?: Preset['name'] | undefined;
  tokenKeep?: string | undefined;
  blockThreshold?: number | undefined;
  precision?: Precision | undefined;
  inputSize?: number | undefined; // of segmentation and detection models
  minScore?: number | undefined; // of detection models, and the next two
  nmsIou?: number | undefined;
  maxDetections?: number | undefined;
  slideStride?: number | undefined; // of segmentation models
  device?: string | undefined;
  find?: FindRequest | undefined; // of classifiers: what is found before it is labelled
}

export interface ResolvedModel {
  model: ModelPackage;
  sha256: string;
}

/** What a request stands for. */
export interface ResolvedSpec {
  spec: PredictedSpec;
  model: ModelPackage;
  device: Device;
  /** Of a run that finds first: the models beside the one that labels; `pair` stands for both. */
  models?: { finder: ModelPackage | undefined; pair: ModelRow } | undefined;
}

/** The presets of a model on a device where it was calibrated; undefined where it was not. */
export type PresetsOf = (modelSha256: string, device: Device) => Preset[] | undefined;

/** What names are looked up in. */
export interface Lookup {
  registry: ModelRegistry;
  engine: EngineApi;
  calibratedPresets: PresetsOf;
  /** The run of a number, if its boxes can be labelled in these folders; throws NOT_FOUND or BAD_ARGUMENT. */
  boxesOf: (runId: number, folders: readonly string[]) => { run: RunRow; finder: Finder };
}

/** Turns names into what they stand for. Throws NOT_FOUND, BAD_ARGUMENT or BAD_MODEL. */
export async function resolveSpec(
  folders: readonly string[],
  { find, ...dial }: DialRequest,
  lookup: Lookup,
): Promise<ResolvedSpec> {
  const paths = await resolveFolders(folders);
  if (find === undefined) {
    const { model, device, ...spec } = await resolveModel(dial, lookup);
    return { spec: { folders: paths, ...spec, device: device.name }, model, device };
  }
  const { inputSize, minScore, nmsIou, maxDetections, ...labelling } = dial;
  const { model, device, ...spec } = await resolveModel(labelling, lookup);
  requireTask(model, 'classification', 'to label what is found');
  const classifierSha256 = spec.modelSha256;
  const first = await resolveFinder(
    paths,
    find,
    { inputSize, minScore, nmsIou, maxDetections, device: dial.device },
    lookup,
  );
  const { finder, predicted, run } = first;
  const how = resolveLabelling(find, finder);
  if (predicted !== undefined && minScore === undefined)
    predicted.detection.minScore = Math.min(predicted.detection.minScore, how.minScore);
  const pair = pairOf(finder, model, { ...how, classifierSha256 });
  const from = { modelName: finder.name, modelSha256: finder.sha256, predicted, run };
  return {
    spec: {
      folders: paths,
      ...spec,
      modelSha256: pair.sha256,
      device: device.name,
      find: { ...from, ...how, classifierSha256 },
    },
    model,
    device,
    models: { finder: first.model, pair },
  };
}

/** A model with its settings on a device. */
async function resolveModel(
  dial: Omit<DialRequest, 'find'>,
  { registry, engine, calibratedPresets }: Lookup,
) {
  const model = await registry.find(dial.model ?? DEFAULT_MODEL);
  const settings = resolveTaskSettings(dial, model.manifest);
  const device = await resolveDevice(dial.device ?? 'auto', engine);
  const modelSha256 = await registry.sha256(model);
  const presets = calibratedPresets(modelSha256, device) ?? standardPresets(model.manifest, device);
  const preset = resolvePreset(dial, presets, model);
  checkPrecision(preset.precision, device);
  return { modelName: model.name, modelSha256, preset, ...settings, model, device };
}

/** What finds the boxes that are labelled. */
interface ResolvedFinder extends Pick<FindSpec, 'predicted' | 'run'> {
  finder: Finder;
  model: ModelPackage | undefined; // undefined where the boxes of a run are taken
}

async function resolveFinder(
  folders: readonly string[],
  { model: name, runId, preset }: FindRequest,
  dial: Pick<DialRequest, 'inputSize' | 'minScore' | 'nmsIou' | 'maxDetections' | 'device'>,
  lookup: Lookup,
): Promise<ResolvedFinder> {
  if ((name === undefined) === (runId === undefined))
    throw new AppError(
      'BAD_ARGUMENT',
      'Expected either a model or a run to find what is labelled',
      'Name one of them.',
    );
  if (runId !== undefined) {
    const { run, finder } = lookup.boxesOf(runId, folders);
    refuseFound({ preset, ...dial }, run);
    return { finder, model: undefined, run: { id: run.id, createdAt: run.createdAt } };
  }
  const { model, detection, ...found } = await resolveModel({ ...dial, model: name, preset }, lookup);
  requireTask(model, 'detection', 'to find what is labelled');
  const finder = { name: model.name, sha256: found.modelSha256, labels: model.manifest.labels };
  return { finder, model, predicted: detection && { preset: found.preset, detection } };
}

/** Throws BAD_ARGUMENT for settings of a model that finds where a run has found the boxes already. */
function refuseFound(
  { preset, inputSize, minScore, nmsIou, maxDetections }: Omit<DialRequest, 'find' | 'device'>,
  { id }: RunRow,
): void {
  const settings = {
    'preset of what finds': preset,
    [TASK_SETTINGS.inputSize]: inputSize,
    [TASK_SETTINGS.minScore]: minScore,
    [TASK_SETTINGS.nmsIou]: nmsIou,
    [TASK_SETTINGS.maxDetections]: maxDetections,
  };
  const [useless] = Object.entries(settings).filter(([, value]) => value !== undefined);
  if (useless === undefined) return;
  throw new AppError(
    'BAD_ARGUMENT',
    `Run ${id} has found its boxes already, so there is no ${useless[0]} to set`,
    'Leave it out.',
  );
}

function requireTask({ name, manifest }: ModelPackage, task: Task, what: string): void {
  if (manifest.task === task) return;
  throw new AppError(
    'BAD_ARGUMENT',
    `Expected a model that ${TASKS[task].does} ${what}, but ${name} ${TASKS[manifest.task].does}`,
    'Name another; `winnow models` lists them.',
  );
}

/** Windows of a segmentation model that a pixel may lie in, per axis. */
const MOST_OVERLAP = 8;

type TaskSettings = Pick<PredictedSpec, 'detection' | 'slideStride'>;

/**
 * What only some tasks have, as asked for or as the model was trained. Throws BAD_ARGUMENT where the task does not have it.
 */
function resolveTaskSettings(dial: DialRequest, manifest: Manifest): TaskSettings {
  const { inputSize, slideStride, minScore, nmsIou, maxDetections } = dial;
  refuseUseless({ inputSize, slideStride, minScore, nmsIou, maxDetections }, manifest);
  const trained = taskSettings(manifest);
  if (trained.detection !== undefined) {
    const asked = { minScore, nmsIou, maxDetections };
    const given = Object.entries(asked).filter(([, value]) => value !== undefined);
    return { detection: { ...trained.detection, ...Object.fromEntries(given) } };
  }
  if (trained.slideStride === undefined) return {};
  const side = manifest.imageSize;
  const least = Math.ceil(side / MOST_OVERLAP);
  if (slideStride !== undefined && (slideStride > side || slideStride < least)) {
    throw new AppError(
      'BAD_ARGUMENT',
      `The slide stride must be from ${least} to ${side}, the side of a window of the model ${manifest.name}, but is ${slideStride}`,
      'Windows further apart would leave pixels out, and many more windows gain nothing.',
    );
  }
  return { slideStride: slideStride ?? trained.slideStride };
}

function refuseUseless(settings: Record<TaskSetting, number | undefined>, { name, task }: Manifest): void {
  const { does, settings: own }: TaskRecord = TASKS[task];
  for (const setting of Object.keys(TASK_SETTINGS) as TaskSetting[]) {
    if (settings[setting] === undefined || own.includes(setting)) continue;
    throw new AppError(
      'BAD_ARGUMENT',
      `The model ${name} ${does}, so it has no ${TASK_SETTINGS[setting]} to set`,
      'Leave it out.',
    );
  }
}

function resolvePreset(dial: DialRequest, presets: readonly Preset[], { manifest }: ModelPackage): Preset {
  const name = dial.preset ?? DEFAULT_PRESET;
  const base = presets.find((preset) => preset.name === name);
  if (base === undefined) throw new AppError('BAD_ARGUMENT', `There is no preset ${name}`);
  return customPreset(
    {
      ...(dial.tokenKeep === undefined ? {} : { tokenKeep: dial.tokenKeep }),
      ...(dial.blockThreshold === undefined ? {} : { blockThreshold: dial.blockThreshold }),
      ...(dial.precision === undefined ? {} : { precision: dial.precision }),
      ...(dial.inputSize === undefined ? {} : { inputSize: dial.inputSize }),
    },
    base,
    manifest,
  );
}

/**
 * A device by its name. `auto` stands for the first that can be used, and where that is a GPU, for all of its backend; so
 * does the backend's name.
 */
export async function resolveDevice(name: string, engine: EngineApi): Promise<Device> {
  const devices = await engine.devices();
  const usable = devices.filter(({ available }) => available);
  const wanted = name === 'auto' ? (usable[0]?.gpu?.backend ?? usable[0]?.name) : name;
  const device =
    together(usable.filter(({ gpu }) => gpu?.backend === wanted)) ??
    devices.find((one) => one.name === wanted || one.gpu?.backend === wanted);
  const hint = `Devices that can be used: ${usable.map((one) => one.name).join(', ')}.`;
  if (device === undefined) throw new AppError('BAD_ARGUMENT', `There is no device ${name}`, hint);
  if (!device.available) {
    throw new AppError(
      'BAD_ARGUMENT',
      `The device ${name} cannot be used: ${device.reason ?? 'no reason given'}`,
      hint,
    );
  }
  return device;
}

/** Several GPUs as one device, with the least free memory of them; undefined for none. */
function together(gpus: readonly Device[]): Device | undefined {
  const [first] = gpus;
  if (first?.gpu === undefined) return undefined;
  const freeBytes = Math.min(...gpus.map(({ gpu }) => gpu?.freeBytes ?? 0));
  const description = gpus.map((gpu) => gpu.description).join(' + ');
  return { ...first, name: first.gpu.backend, description, gpu: { ...first.gpu, freeBytes } };
}

/** The device of a run that goes on; when it cannot be used now, the one that `auto` stands for, and a sentence about it. */
export async function deviceToGoOn(
  name: string,
  engine: EngineApi,
): Promise<{ device: Device; note?: string }> {
  try {
    return { device: await resolveDevice(name, engine) };
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'BAD_ARGUMENT' || !isGpu(name)) throw error;
    const device = await resolveDevice('auto', engine);
    return { device, note: `${error.message.replace(/\.$/, '')}; the run goes on with ${device.name}.` };
  }
}

/** The package with the content that a run was started with, wherever it lies now. Throws NOT_FOUND, BAD_MODEL. */
export async function locateModel(row: ModelRow, registry: ModelRegistry): Promise<ModelPackage> {
  const model = await registry.findContent(row);
  if (model !== undefined) return model;
  throw new AppError(
    'NOT_FOUND',
    `The model ${row.name} that the run was started with is not there any more (SHA-256 ${row.sha256.slice(0, 12)}...)`,
    'Import it again from the same checkpoint, or start a new run.',
  );
}
