import type { CheckpointReport } from '../../shared/api/models.ts';
import { AppError } from '../../shared/errors.ts';
import type { Manifest, Task } from '../../shared/model-package.ts';
import { architectureOf, describeClassifier } from './describe-classifier.ts';
import { describeDetector, describeSegmenter, halvesDirections } from './describe-dense.ts';
import { taskOf, type StateDict } from './state-dict.ts';
import type { Described, ModelOptions } from './model-options.ts';
import { pruningStages } from './state-shapes.ts';
import { pruningLayers, trainedTokenKeep } from './token-pruning.ts';
import { TASKS } from '../../shared/tasks.ts';

export type ModelDescription = {
  [Task in Manifest['task']]: Described<Extract<Manifest, { task: Task }>>;
}[Manifest['task']];

/** An option of the import that a checkpoint leaves open. */
export type ModelQuestion = CheckpointReport['questions'][number];

const DESCRIPTIONS: Record<Task, (state: StateDict, options: ModelOptions) => ModelDescription> = {
  classification: describeClassifier,
  segmentation: describeSegmenter,
  detection: describeDetector,
};

/**
 * Reads a model's architecture and hyper-parameters from the names and shapes of its tensors, from the recorded
 * training arguments and from the person's options. Throws BAD_CHECKPOINT or BAD_ARGUMENT.
 */
export function describeModel(state: StateDict, options: ModelOptions): ModelDescription {
  const task = taskOf(state);
  if (TASKS[task].isDense) refuseArchitecture(options);
  else refuseDirections(options);
  return DESCRIPTIONS[task](state, options);
}

/**
 * Options that describeModel asks for, since the checkpoint does not answer them, with the question; and values for them
 * with which it describes the rest.
 */
export function openOptions(state: StateDict): {
  questions: ModelQuestion[];
  stopgap: Omit<ModelOptions, 'name'>;
} {
  const asked: [ModelQuestion['option'], string | undefined][] = [
    TASKS[taskOf(state)].isDense
      ? ['halveDirections', complaint(() => halvesDirections(state, undefined))]
      : ['architecture', complaint(() => architectureOf(state, undefined))],
    ['tokenKeep', complaint(() => trainedTokenKeep(state, { name: '' }))],
    ['pruningLayers', complaint(() => pruningLayers(state, undefined))],
  ];
  const questions = asked.flatMap(([option, question]) =>
    question === undefined ? [] : [{ option, question }],
  );
  const isOpen = (option: ModelQuestion['option']) => questions.some((one) => one.option === option);
  return {
    questions,
    stopgap: {
      architecture: isOpen('architecture') ? 'vim' : undefined,
      halveDirections: isOpen('halveDirections') ? true : undefined,
      tokenKeep: isOpen('tokenKeep') ? '1' : undefined,
      pruningLayers: isOpen('pruningLayers')
        ? Array.from({ length: pruningStages(state) }, (_, stage) => stage + 1)
        : undefined,
    },
  };
}

/** Why `work` refuses the checkpoint, as one sentence; undefined when it does not. */
function complaint(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof AppError && error.code === 'BAD_CHECKPOINT') return `${error.message}.`;
    throw error;
  }
}

function refuseDirections({ halveDirections }: ModelOptions): void {
  if (halveDirections === undefined) return;
  throw new AppError(
    'BAD_ARGUMENT',
    'The architecture of a classification model says whether its directions are halved',
    'Leave --directions out.',
  );
}

function refuseArchitecture({ architecture }: ModelOptions): void {
  if (architecture === undefined) return;
  throw new AppError(
    'BAD_ARGUMENT',
    `The checkpoint is a segmentation or detection model, but it was said to be a ${architecture} classifier`,
    'Leave --architecture out.',
  );
}
