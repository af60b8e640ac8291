import { z } from 'zod';
import type { CalibrationProgress, CalibrationReport, Expectation } from './calibration.ts';
import { AppError } from './errors.ts';
import type { ModelPackage } from './model-package.ts';
import { PRECISIONS } from './run.ts';
import type { Device, Run, RunProgress } from './run.ts';

const runId = z.int('a run is named by its number').positive('a run is named by its number');
const path = z.string().min(1, 'a path must not be empty');
const modelName = z.string().min(1, 'a model name must not be empty');
const threads = z.int('threads must be a whole number from 1 to 1024').min(1).max(1024);
const batch = z.int('a batch must be a whole number of images from 1 to 1024').min(1).max(1024);
const share = (name: string) =>
  z.number().min(0, `${name} must be from 0 to 1`).max(1, `${name} must be from 0 to 1`);

/** How a run predicts; what is left out has a default. */
const dialShape = {
  model: modelName.optional(), // name or path of a package
  preset: z.enum(['fast', 'balanced', 'accurate'], 'a preset must be fast, balanced or accurate').optional(),
  /** One ratio r, meaning r, r^2, r^3, or one ratio per stage with commas between. */
  tokenKeep: z.string().optional(),
  blockThreshold: share('the block threshold').optional(),
  precision: z.enum(PRECISIONS, `a precision must be ${PRECISIONS.join(', ')}`).optional(),
  device: z.string().optional(), // 'auto' or a name from devices()
  threads: threads.optional(),
  batch: batch.optional(), // images that are predicted and saved together
};

/**
 * The arguments of every call of AppApi: each takes one object. The schemas are the allow-list of what may be
 * called from another process; AppService checks arguments against them on arrival.
 */
export const appApiArguments = {
  run: z.strictObject({ folders: z.array(path).min(1, 'at least one folder must be named'), ...dialShape }),
  resume: z.strictObject({ runId, threads: threads.optional(), batch: batch.optional() }),
  cancel: z.strictObject({ runId }),
  listRuns: z.strictObject({}),
  showRun: z.strictObject({ runId }),
  exportRun: z.strictObject({
    runId,
    format: z.enum(['csv', 'json'], 'a format must be csv or json'),
    out: path,
    bom: z.boolean().optional(), // CSV only: start with a byte order mark, for spreadsheets
    minConfidence: share('the smallest confidence').optional(),
    label: z.string().optional(), // name or synset of the best class
    only: z.enum(['ok', 'failed'], 'only must be ok or failed').optional(),
  }),
  evaluate: z.strictObject({ folder: path, ...dialShape, confusion: path.optional() }),
  calibrate: z.strictObject({
    model: modelName.optional(),
    images: path.optional(), // a folder; without one, images of earlier runs
    device: z.string().optional(),
    threads: threads.optional(),
  }),
  cancelCalibration: z.strictObject({}),
  listModels: z.strictObject({}),
  showModel: z.strictObject({ model: modelName }),
  verifyModel: z.strictObject({ model: modelName }),
  removeModel: z.strictObject({ model: modelName }),
  importModel: z.strictObject({
    file: path,
    name: modelName,
    architecture: z.enum(['vim', 'videomamba'], 'an architecture must be vim or videomamba').optional(),
    labels: path.optional(),
    tokenKeep: z.string().optional(),
    pruningLayers: z.array(z.int('a pruning layer must be a whole number').nonnegative()).optional(),
  }),
  devices: z.strictObject({}),
} as const;

export type AppCall = keyof typeof appApiArguments;
export type AppArguments<Call extends AppCall> = z.input<(typeof appApiArguments)[Call]>;

/** What every call of AppApi comes back with. */
export interface AppResults {
  /** Scans the folders and predicts what is new or changed; ends when the run is done or was cancelled. */
  run: Run;
  /** Goes on with a run that was cancelled, failed or killed. */
  resume: Run;
  /** Lets the run finish the batches under way and save them; its `run` call then ends with state 'paused'. */
  cancel: undefined;
  listRuns: Run[];
  showRun: RunDetails;
  exportRun: ExportSummary;
  /** Runs on a folder whose sub-folders are classes, and compares. */
  evaluate: Evaluation;
  /** Measures speed and agreement of a model on this machine, and keeps the curve; presets come from it then. */
  calibrate: CalibrationReport;
  /** Ends the calibration under way: its `calibrate` call is rejected with CANCELLED and nothing is kept of it. */
  cancelCalibration: undefined;
  listModels: ModelListing;
  showModel: ModelDetails;
  verifyModel: ModelPackage;
  removeModel: undefined;
  importModel: ModelPackage;
  devices: Device[];
}

/** All that Winnow does, for the window and the command line alike. Failures are AppErrors. */
export type AppApi = {
  [Call in AppCall]: (request: AppArguments<Call>) => Promise<AppResults[Call]>;
} & {
  /** Tells `listener` what happens during runs; the returned function ends that. */
  subscribe(listener: (event: AppEvent) => void): () => void;
};

export type AppEvent =
  | { type: 'started'; plan: RunPlan }
  | { type: 'progress'; progress: RunProgress }
  | { type: 'calibrating'; progress: CalibrationProgress }
  | { type: 'notice'; message: string };

/** What is known of a run's preset before it starts, or why nothing is. */
export type Outlook = { expected: Expectation } | { unknown: string };

/** What a run uses, told before it starts. */
export interface RunPlan {
  run: Run;
  bundledModel: boolean;
  /** Work per image relative to the whole model: all tokens, all scan directions; at the trained block keep ratio. */
  workShare: number;
  /** What the calibration says of this preset, or why it says nothing. */
  outlook: Outlook;
  threads: number;
  batch: number;
}

export interface RunDetails {
  run: Run;
  /** Best classes, most frequent first. */
  labels: { label: string; count: number }[];
  /** The first failed files. */
  failures: { path: string; error: string }[];
}

export interface ExportSummary {
  path: string; // absolute
  rows: number;
}

export interface ClassAccuracy {
  folder: string; // name of the sub-folder
  images: number;
  top1: number; // images whose best class is the folder's
  top5: number;
}

export interface Evaluation {
  run: Run;
  images: number; // compared: predicted, in a sub-folder that is a class
  top1: number; // shares, 0 to 1
  top5: number;
  classes: ClassAccuracy[];
  /** Images outside sub-folders that are classes; not compared. */
  ignored: number;
  blockKeep: number; // share of scan directions that ran
  flops: { original: number; actual: number }; // per image, at this keep ratio
  imagesPerSecond: number; // in the engine
}

export interface ModelListing {
  packages: ModelPackage[];
  /** Files among the packages that are none, with the reason. */
  damaged: { path: string; reason: string }[];
}

export interface ModelDetails {
  model: ModelPackage;
  card: string; // readable text: architecture, presets and their work, origin, notes
}

/** Checks the arguments of a call; throws BAD_ARGUMENT with one sentence about the first that is wrong. */
export function checkArguments<Schema extends z.ZodType>(schema: Schema, request: unknown): z.output<Schema> {
  const checked = schema.safeParse(request);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const message = issue === undefined ? 'the arguments are not right' : issue.message;
  const came = issue === undefined || issue.path.length === 0 ? '' : `, but is ${show(request, issue.path)}`;
  throw new AppError('BAD_ARGUMENT', message.charAt(0).toUpperCase() + message.slice(1) + came);
}

function show(request: unknown, path: PropertyKey[]): string {
  let value = request;
  for (const key of path) value = (value as Record<PropertyKey, unknown>)[key];
  return value === undefined ? 'missing' : JSON.stringify(value);
}
