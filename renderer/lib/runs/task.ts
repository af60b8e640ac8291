export { SHOWN_SCORE, shownScore } from '../../../electron/shared/found-score.ts';
import type { Task } from '../../../electron/shared/model-package.ts';
import { TAUGHT_TASKS } from '../../../electron/shared/training.ts';
import { TASKS } from '../../../electron/shared/tasks.ts';
import type { DenseTask } from '../../../electron/shared/tasks.ts';
import type { MessageKey } from '../text/messages.ts';
import type { RunSpec } from '../../../electron/shared/run.ts';

/** The task of a run: as its file had it, else by its model's settings, of which only detection and segmentation have some. */
export function taskOf({
  detection,
  slideStride,
  find,
  imported,
}: Pick<RunSpec, 'detection' | 'slideStride' | 'find' | 'imported'>): Task {
  if (imported !== undefined) return imported.task;
  if (detection !== undefined || find !== undefined) return 'detection';
  return slideStride === undefined ? 'classification' : 'segmentation';
}

/** Whether something can be learned from a run: labels of its pictures or boxes, or what it has of its own task. */
export const canTeach = (task: Task): boolean =>
  TASKS[task].hasScores || TAUGHT_TASKS.some((taught) => taught === task);

interface FoundWords {
  score: MessageKey; // name of a class's score, such as IoU
  amount: MessageKey; // name of what is counted of a class, such as pixels
  truth: 'truth' | 'folder'; // what it is compared with: a file of annotations, or a folder
}

/** The words of the window for what models of a task find. */
export const FOUND_WORDS: Record<DenseTask, FoundWords> = {
  segmentation: { score: 'evaluate.iou', amount: 'evaluate.pixels', truth: 'folder' },
  detection: { score: 'evaluate.measure.ap', amount: 'evaluate.objects', truth: 'truth' },
};
