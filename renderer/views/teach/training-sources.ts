import type { ReviewedRun, RunLesson, TrainingParent } from '../../../electron/shared/api/training.ts';
import type { ModelPackage } from '../../../electron/shared/model-package.ts';
import { TAUGHT_TASKS } from '../../../electron/shared/training.ts';
import type { TaughtTask } from '../../../electron/shared/training.ts';

/** A run, and what it has for the task that is taught. */
export interface TaughtRun extends Pick<ReviewedRun, 'run'> {
  lesson: RunLesson;
  /** Whether its images count because a person has reviewed them. */
  isReviewed: boolean;
}

/** The runs that a task can be taught from. */
export function runsFor(task: TaughtTask, runs: readonly ReviewedRun[]): TaughtRun[] {
  return runs.flatMap(({ run, teaches }) => {
    const lesson = new Map(teaches.map((one) => [one.task, one])).get(task);
    if (lesson === undefined) return [];
    return { run, lesson, isReviewed: run.spec.imported === undefined || lesson.objects === undefined };
  });
}

/** What a person who comes from a run, or else from a model, most likely wants to teach. */
export function likelyTask(
  { runId, from }: { runId: number | undefined; from: string | undefined },
  runs: readonly ReviewedRun[],
  parents: readonly TrainingParent[],
): TaughtTask | undefined {
  const [lesson] = runs.find(({ run }) => run.id === runId)?.teaches ?? [];
  if (lesson !== undefined) return lesson.task;
  const parent = parents.find(({ model }) => model.name === from);
  if (parent === undefined) return undefined;
  const { problems, model } = parent;
  const fitting = TAUGHT_TASKS.filter((task) => problems[task] === undefined);
  return fitting.includes(model.manifest.task) ? model.manifest.task : fitting[0];
}

/** The models that the training for a task can start from, and why it cannot start from the others. */
export function parentsFor(
  task: TaughtTask,
  parents: readonly TrainingParent[],
): { models: ModelPackage[]; others: { name: string; reason: string }[] } {
  const models = parents.filter(({ problems }) => problems[task] === undefined).map(({ model }) => model);
  const others = parents.flatMap(({ model, problems }) => {
    const reason = problems[task];
    return reason === undefined ? [] : { name: model.name, reason };
  });
  return { models, others };
}
