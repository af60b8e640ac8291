import type { Task } from './model-package.ts';

/** Settings that only some tasks have, as sentences call them. */
export const TASK_SETTINGS = {
  inputSize: 'input size',
  slideStride: 'slide stride',
  minScore: 'smallest score of a detection',
  nmsIou: 'overlap of boxes',
  maxDetections: 'number of detections',
} as const;
export type TaskSetting = keyof typeof TASK_SETTINGS;

/** What is said in one place of each task; what differs between them beside it asks `forTask`. */
export interface TaskRecord {
  /** What a model of it does, as the end of a sentence. */
  does: string;
  /**
   * Whether it finds what lies where, not one label per image: a model of it sees whole pictures at a size that can be
   * chosen, one at a time, has no class token, and may find nothing.
   */
  isDense: boolean;
  /** Whether what it finds are objects with scores, of which those below a threshold count as not found. */
  hasScores: boolean;
  /** Whether a window slides over the picture; work is counted per window then. */
  hasWindows: boolean;
  /** Where the library keeps what was found beside labels. */
  foundIn: 'detections' | 'masks' | undefined;
  /** Settings that are its own, beside those of every model. */
  settings: readonly TaskSetting[];
  /** Whether Winnow trains models of it from folders of classes and from the labels of reviewed runs. */
  isTrainable: boolean;
}

export const TASKS = {
  classification: {
    does: 'classifies pictures',
    isDense: false,
    hasScores: false,
    hasWindows: false,
    foundIn: undefined,
    settings: [],
    isTrainable: true,
  },
  segmentation: {
    does: 'segments pictures',
    isDense: true,
    hasScores: false,
    hasWindows: true,
    foundIn: 'masks',
    settings: ['inputSize', 'slideStride'],
    isTrainable: false,
  },
  detection: {
    does: 'detects objects',
    isDense: true,
    hasScores: true,
    hasWindows: false,
    foundIn: 'detections',
    settings: ['inputSize', 'minScore', 'nmsIou', 'maxDetections'],
    isTrainable: false,
  },
} as const satisfies Record<Task, TaskRecord>;

export type DenseTask = Exclude<Task, 'classification'>;

/** Whether a task is dense; see TaskRecord. */
export function isDenseTask(task: Task): task is DenseTask {
  return TASKS[task].isDense;
}

interface OfTask {
  task: Task;
}

/** What `cases` makes of a value of its task. */
export function forTask<Value extends OfTask, Result>(
  value: Value,
  cases: { [Name in Value['task']]: (value: Extract<Value, { task: Name }>) => Result },
): Result {
  const make = cases[value.task as Value['task']] as (value: Value) => Result;
  return make(value);
}

/** Whether it is about a dense task; see TaskRecord. */
export function isDense<Value extends OfTask>(
  value: Value,
): value is Exclude<Value, { task: 'classification' }> {
  return TASKS[value.task].isDense;
}

/** Whether it is about a task that Winnow trains models of. */
export function isOfTrainable<Value extends OfTask>(
  value: Value,
): value is Extract<Value, { task: 'classification' }> {
  return TASKS[value.task].isTrainable;
}
