import type { AppArguments } from '../../../electron/shared/app-api.ts';
import { isDenseTask } from '../../../electron/shared/tasks.ts';
import { TAUGHT } from '../../../electron/shared/training.ts';
import type {
  Augmentation,
  AugmentationPart,
  TaughtRecord,
  TaughtTask,
  TrainingMethod,
} from '../../../electron/shared/training.ts';

export type TrainingRequest = AppArguments<'prepareTraining'>;

export const SIZES = ['micro', 'tiny', 'small', 'base'] as const;
export type Size = (typeof SIZES)[number];

/** A number field: null or undefined while it is empty; Winnow chooses the value then. */
export type Field = number | null | undefined;

/** What a person has entered, including fields that the task or the method does not use. */
export interface TrainingForm {
  task: TaughtTask;
  source: 'folder' | 'run';
  folder: string;
  runId: number | undefined;
  method: TrainingMethod;
  from: string | undefined; // name of the model
  window: Field; // pixels of a side that a dense model learns at
  size: Size;
  name: string;
  limit: 'epochs' | 'time';
  epochs: Field;
  minutes: Field;
  holdout: Field; // percent
  leaveOutPoor: boolean; // classes with too few pictures
  freezes: boolean; // the backbone of a dense model
  tokenKeep: number | undefined; // shares, 0 to 1; undefined until changed
  blockKeep: number | undefined;
  seed: Field;
  batch: Field;
  learningRate: Field;
  augment: Partial<Record<AugmentationPart, boolean>>; // only those that were changed
}

export const emptyForm: TrainingForm = {
  task: 'classification',
  source: 'folder',
  folder: '',
  runId: undefined,
  method: 'head',
  from: undefined,
  window: null,
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
  freezes: false,
  augment: {},
};

/** What the form offers for its task. */
export const taughtOf = ({ task }: Pick<TrainingForm, 'task'>): TaughtRecord => TAUGHT[task];

/** The method that was chosen, where the task has it. */
export function methodOf(form: Pick<TrainingForm, 'task' | 'method'>): TrainingMethod {
  const { methods } = taughtOf(form);
  return methods.includes(form.method) ? form.method : (methods[0] ?? form.method);
}

/** Whether the method learns step by step, and so has epochs, a learning rate and augmentation. */
export const hasSteps = (method: TrainingMethod) => method !== 'head';

/** Whether there is a backbone that can be kept as it is. */
export const mayFreeze = (form: TrainingForm) => isDenseTask(form.task) && methodOf(form) === 'fine-tune';

/** The form as a request; undefined while no pictures or no model are chosen. */
export function requestOf(form: TrainingForm): TrainingRequest | undefined {
  const pictures = sourceOf(form);
  const start = startOf(form);
  if (pictures === undefined || start === undefined) return undefined;
  const { task, holdout, leaveOutPoor } = form;
  const method = methodOf(form);
  return {
    ...(isDenseTask(task) && { task }),
    ...pictures,
    method,
    ...start,
    ...(isDenseTask(task) && number('imageSize', form.window)),
    ...(form.freezes && mayFreeze(form) && { freeze: 'backbone' }),
    ...(form.name.trim() !== '' && { name: form.name.trim() }),
    ...(typeof holdout === 'number' && { holdout: holdout / 100 }),
    ...(leaveOutPoor && { leaveOutPoor }),
    ...number('seed', form.seed),
    ...number('batch', form.batch),
    ...(hasSteps(method) && stepsOf(form)),
    ...(method === 'distill' && keepOf(form)),
  };
}

function sourceOf(form: TrainingForm): Pick<TrainingRequest, 'folder' | 'runId'> | undefined {
  const { source, folder, runId } = form;
  if (source === 'run' || !taughtOf(form).hasFolders) return runId === undefined ? undefined : { runId };
  return folder.trim() === '' ? undefined : { folder: folder.trim() };
}

function startOf(form: TrainingForm): Pick<TrainingRequest, 'from' | 'size'> | undefined {
  const { from, size } = form;
  if (methodOf(form) === 'scratch') return { size };
  return from === undefined ? undefined : { from };
}

function stepsOf(form: TrainingForm): Partial<TrainingRequest> {
  const { limit, epochs, minutes, learningRate } = form;
  const { augmentations } = taughtOf(form);
  const augment = Object.fromEntries(
    Object.entries(form.augment).filter(([part]) => augmentations.some((known) => known === part)),
  );
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
  picturesKey(one) === picturesKey(other);

const picturesKey = ({ task, folder, runId, leaveOutPoor }: TrainingRequest) =>
  JSON.stringify([task, folder, runId, leaveOutPoor]);

/** Whether an augmentation has this part. */
export function varies(augmentation: Augmentation, part: AugmentationPart): boolean {
  if (part === 'crop') return augmentation.crop.kind !== 'centre';
  if (part === 'randAugment') return augmentation.randAugment.operations > 0;
  return Number(augmentation[part]) > 0;
}
