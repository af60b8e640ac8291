export { SHOWN_SCORE } from '../../../electron/shared/found-score.ts';
import type { Task } from '../../../electron/shared/model-package.ts';
import type { DenseTask } from '../../../electron/shared/tasks.ts';
import type { MessageKey } from '../text/messages.ts';
import type { RunSpec } from '../../../electron/shared/run.ts';

/** What a run's model does; only detection and segmentation have settings of their own. */
export function taskOf({ detection, slideStride }: Pick<RunSpec, 'detection' | 'slideStride'>): Task {
  if (detection !== undefined) return 'detection';
  return slideStride === undefined ? 'classification' : 'segmentation';
}

interface FoundWords {
  score: MessageKey; // what a class is measured by
  amount: MessageKey; // what is counted of it
  truth: 'truth' | 'folder'; // what a person chooses to compare with: a file of annotations, or a folder
}

/** How the window speaks of what models of a task find. */
export const FOUND_WORDS: Record<DenseTask, FoundWords> = {
  segmentation: { score: 'evaluate.iou', amount: 'evaluate.pixels', truth: 'folder' },
  detection: { score: 'evaluate.measure.ap', amount: 'evaluate.objects', truth: 'truth' },
};
