import type { AppArguments } from '../../../electron/shared/app-api.ts';
import type { Augmentation, TrainingMethod } from '../../../electron/shared/training.ts';

export type TrainingRequest = AppArguments<'prepareTraining'>;

/** Parts of the augmentation that can be switched on and off, in the order of the form. */
export const SWITCHES = [
  'crop',
  'flip',
  'colourJitter',
  'randAugment',
  'erasing',
  'mixup',
  'cutMix',
] as const satisfies (keyof Augmentation)[];
export type Switch = (typeof SWITCHES)[number];

export const SIZES = ['micro', 'tiny', 'small', 'base'] as const;
export type Size = (typeof SIZES)[number];

/** A number field: null or undefined while it is empty; Winnow chooses the value then. */
export type Field = number | null | undefined;

/** What a person has entered, including fields that the method does not use. */
export interface TrainingForm {
  source: 'folder' | 'run';
  folder: string;
  runId: number | undefined;
  method: TrainingMethod;
  from: string | undefined; // name of the model
  size: Size;
  name: string;
  limit: 'epochs' | 'time';
  epochs: Field;
  minutes: Field;
  holdout: Field; // percent
  leaveOutPoor: boolean; // classes with too few pictures
  tokenKeep: number | undefined; // shares, 0 to 1; undefined until changed
  blockKeep: number | undefined;
  seed: Field;
  batch: Field;
  learningRate: Field;
  augment: Partial<Record<Switch, boolean>>; // only those that were changed
}

export const emptyForm: TrainingForm = {
  source: 'folder',
  folder: '',
  runId: undefined,
  method: 'head',
  from: undefined,
  size: 'micro',
  name: '',
  limit: 'epochs',
  epochs: null,
  minutes: null,
  holdout: null,
  tokenKeep: undefined,
  blockKeep: undefined,
  seed: null,
  batch: null,
  learningRate: null,
  leaveOutPoor: false,
  augment: {},
};

/** Whether the method learns step by step, and so has epochs, a learning rate and augmentation. */
export const hasSteps = (method: TrainingMethod) => method !== 'head';

/** The form as a request; undefined while no pictures or no model are chosen. */
export function requestOf(form: TrainingForm): TrainingRequest | undefined {
  const pictures = sourceOf(form);
  const start = startOf(form);
  if (pictures === undefined || start === undefined) return undefined;
  const { method, holdout, leaveOutPoor } = form;
  return {
    ...pictures,
    method,
    ...start,
    ...(form.name.trim() !== '' && { name: form.name.trim() }),
    ...(typeof holdout === 'number' && { holdout: holdout / 100 }),
    ...(leaveOutPoor && { leaveOutPoor }),
    ...number('seed', form.seed),
    ...number('batch', form.batch),
    ...(hasSteps(method) && stepsOf(form)),
    ...(method === 'distill' && keepOf(form)),
  };
}

function sourceOf({
  source,
  folder,
  runId,
}: TrainingForm): Pick<TrainingRequest, 'folder' | 'runId'> | undefined {
  if (source === 'run') return runId === undefined ? undefined : { runId };
  return folder.trim() === '' ? undefined : { folder: folder.trim() };
}

function startOf({ method, from, size }: TrainingForm): Pick<TrainingRequest, 'from' | 'size'> | undefined {
  if (method === 'scratch') return { size };
  return from === undefined ? undefined : { from };
}

function stepsOf({ limit, epochs, minutes, learningRate, augment }: TrainingForm): Partial<TrainingRequest> {
  return {
    ...(limit === 'epochs' ? number('epochs', epochs) : number('minutes', minutes)),
    ...number('learningRate', learningRate),
    ...(Object.keys(augment).length > 0 && { augment }),
  };
}

function keepOf({ tokenKeep, blockKeep }: TrainingForm): Partial<TrainingRequest> {
  return {
    ...(tokenKeep !== undefined && { tokenKeep: String(tokenKeep) }),
    ...(blockKeep !== undefined && { blockKeep }),
  };
}

function number(name: keyof TrainingRequest, value: Field): Partial<TrainingRequest> {
  return typeof value === 'number' && Number.isFinite(value) ? { [name]: value } : {};
}

/** Whether two requests use the same pictures, so that a plan's findings about them still apply. */
export const samePictures = (one: TrainingRequest, other: TrainingRequest) =>
  one.folder === other.folder && one.runId === other.runId && one.leaveOutPoor === other.leaveOutPoor;

/** Whether an augmentation has this part. */
export function varies(augmentation: Augmentation, part: Switch): boolean {
  if (part === 'crop') return augmentation.crop.kind !== 'centre';
  if (part === 'randAugment') return augmentation.randAugment.operations > 0;
  return Number(augmentation[part]) > 0;
}
