import { z } from 'zod';
import { AppError } from './errors.ts';
import type { Run } from './run.ts';
import { describeIssue } from './describe-issue.ts';
import { shortJson } from './shortened.ts';
import { dialShape, path } from './api/arguments.ts';
import { attentionArguments } from './api/attention.ts';
import type { AttentionResults } from './api/attention.ts';
import { downloadArguments } from './api/downloads.ts';
import type { DownloadEvent, DownloadResults } from './api/downloads.ts';
import { exportArguments } from './api/exports.ts';
import type { ExportEvent, ExportResults } from './api/exports.ts';
import { folderArguments } from './api/folders.ts';
import type { FolderResults } from './api/folders.ts';
import { labelArguments } from './api/labels.ts';
import type { LabelEvent, LabelResults } from './api/labels.ts';
import { modelArguments } from './api/models.ts';
import type { ModelResults } from './api/models.ts';
import { resultArguments } from './api/results.ts';
import type { ResultResults } from './api/results.ts';
import { reviewArguments } from './api/review.ts';
import type { ReviewEvent, ReviewResults } from './api/review.ts';
import { runArguments } from './api/runs.ts';
import type { RunEvent, RunResults } from './api/runs.ts';
import { settingsArguments } from './api/settings.ts';
import type { SettingsResults } from './api/settings.ts';
import { trainingArguments } from './api/training.ts';
import type { TrainingEvent, TrainingResults } from './api/training.ts';

/**
 * The arguments of every call of AppApi: each takes one object. The schemas are the allow-list of what may be
 * called from another process; AppService checks arguments against them on arrival.
 */
export const appApiArguments = {
  ...runArguments,
  ...folderArguments,
  ...resultArguments,
  ...attentionArguments,
  ...reviewArguments,
  ...exportArguments,
  ...labelArguments,
  ...modelArguments,
  ...downloadArguments,
  ...settingsArguments,
  ...trainingArguments,
  evaluate: z.strictObject({
    folder: path,
    ...dialShape,
    confusion: path.optional(),
    force: z.boolean().optional(),
  }),
} as const;

export type AppCall = keyof typeof appApiArguments;
export type AppArguments<Call extends AppCall> = z.input<(typeof appApiArguments)[Call]>;

/** What every call of AppApi comes back with. */
export interface AppResults
  extends
    RunResults,
    FolderResults,
    ResultResults,
    AttentionResults,
    ReviewResults,
    ExportResults,
    LabelResults,
    ModelResults,
    DownloadResults,
    SettingsResults,
    TrainingResults {
  /** Runs on a folder whose sub-folders are classes, and compares. */
  evaluate: Evaluation;
}

/** All that Winnow does, for the window and the command line alike. Failures are AppErrors. */
export type AppApi = {
  [Call in AppCall]: (request: AppArguments<Call>) => Promise<AppResults[Call]>;
} & {
  /** Tells `listener` what happens; the returned function ends that. */
  subscribe(listener: (event: AppEvent) => void): () => void;
};

/** The library of an older Winnow is brought up to date, which takes long; calls wait until it is done. */
export interface LibraryEvent {
  type: 'updatingLibrary';
  isDone: boolean;
}

export type AppEvent =
  LibraryEvent | RunEvent | ReviewEvent | ExportEvent | LabelEvent | TrainingEvent | DownloadEvent;

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

/** Items of a list at most, but for lists of numbers: images are named by those. */
const LONGEST_LIST = 10_000;

/** Checks the arguments of a call; throws BAD_ARGUMENT with one sentence about the first that is wrong. */
export function checkArguments<Schema extends z.ZodType>(schema: Schema, request: unknown): z.output<Schema> {
  if (hasLongList(request))
    throw new AppError('BAD_ARGUMENT', `A list must have at most ${LONGEST_LIST} items, but has more`);
  const checked = schema.safeParse(request);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const message = issue === undefined ? 'the arguments are not right' : describeIssue(issue);
  const came = issue === undefined || issue.path.length === 0 ? '' : `, but is ${show(request, issue.path)}`;
  throw new AppError('BAD_ARGUMENT', message.charAt(0).toUpperCase() + message.slice(1) + came);
}

/** Whether a list inside of a value is so long that to say what is wrong with each of its items would take seconds. */
function hasLongList(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false;
  if (!Array.isArray(value)) return Object.values(value).some(hasLongList);
  const isNumbers = value.every((item) => typeof item === 'number');
  return !isNumbers && (value.length > LONGEST_LIST || value.some(hasLongList));
}

function show(request: unknown, path: PropertyKey[]): string {
  let value = request;
  for (const key of path) value = (value as Record<PropertyKey, unknown>)[key];
  return value === undefined ? 'missing' : shortJson(value);
}
