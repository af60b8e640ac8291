import type { RunLesson } from '../../shared/api/training.ts';
import type { Task } from '../../shared/model-package.ts';
import { isDenseTask, isOfTrainable, TASKS } from '../../shared/tasks.ts';
import type { TaskRecord } from '../../shared/tasks.ts';
import { TAUGHT_TASKS } from '../../shared/training.ts';
import type { TaughtTask } from '../../shared/training.ts';
import type { Library } from '../store/library.ts';
import type { RunRow } from '../store/tables/runs.ts';
import { leastScore } from './held-label.ts';

/**
 * What a run has to teach each task: images that count, and what is marked in them. Labels come from runs of classifiers and
 * from boxes, boxes from boxes, areas from areas and from masks of objects. See ReviewedRun for the order.
 */
export function runLessons(library: Library, run: RunRow): RunLesson[] {
  const { task } = library.models.get(run.spec.modelSha256).manifest;
  const { foundIn } = TASKS[task];
  const tasks = TAUGHT_TASKS.filter((taught) =>
    canBeLearned(taught, task, () => library.found.hasMasks(run.id)),
  );
  if (tasks.length === 0) return [];
  const isGiven = run.spec.imported !== undefined && foundIn !== undefined;
  const images = isGiven ? library.results.counts(run.id).ok : library.resultQueries.verified(run.id);
  const objects =
    foundIn &&
    library.resultQueries.objects(run.id, foundIn, {
      minScore: leastScore(task, undefined, run.spec),
      isReviewed: !isGiven,
    });
  // Where boxes were found first it was for their labels.
  const likely: Task = run.spec.find === undefined ? task : 'classification';
  return tasks
    .toSorted((one, other) => Number(other === likely) - Number(one === likely))
    .map((taught) => ({ task: taught, images, objects }));
}

function canBeLearned(taught: TaughtTask, ofRun: Task, hasMasks: () => boolean): boolean {
  const { foundIn, hasScores } = TASKS[ofRun];
  if (!isDenseTask(taught)) return isOfTrainable({ task: ofRun }) || hasScores;
  const { foundIn: wanted } = recordOf(taught);
  return foundIn === wanted || (foundIn !== undefined && wanted === 'masks' && hasMasks());
}

const recordOf = (task: Task): TaskRecord => TASKS[task];
