export { SHOWN_SCORE } from '../../../electron/shared/found-score.ts';
import type { Task } from '../../../electron/shared/model-package.ts';
import type { RunSpec } from '../../../electron/shared/run.ts';

/** What a run's model does; only detection and segmentation have settings of their own. */
export function taskOf({ detection, slideStride }: Pick<RunSpec, 'detection' | 'slideStride'>): Task {
  if (detection !== undefined) return 'detection';
  return slideStride === undefined ? 'classification' : 'segmentation';
}
