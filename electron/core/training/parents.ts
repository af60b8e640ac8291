import { AppError } from '../../shared/errors.ts';
import type { Manifest, ModelPackage } from '../../shared/model-package.ts';
import type { TrainingParent } from '../../shared/api/training.ts';
import { TAUGHT_TASKS } from '../../shared/training.ts';
import type { TaughtTask } from '../../shared/training.ts';
import { trainableManifest } from './new-model.ts';
import { denseParent } from './new-dense.ts';

/** A model as the training for each task can start from it. They throw BAD_ARGUMENT for one from which it cannot. */
export const parentOf: Record<TaughtTask, (model: ModelPackage) => Manifest> = {
  classification: trainableManifest,
  segmentation: (model) => denseParent(model, 'segmentation'),
  detection: (model) => denseParent(model, 'detection'),
};

/** A model and, for every task for which no training can start from it, the reason. */
export function describeParent(model: ModelPackage): TrainingParent {
  const problems: TrainingParent['problems'] = {};
  for (const task of TAUGHT_TASKS) {
    try {
      parentOf[task](model);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      problems[task] = error.message;
    }
  }
  return { model, problems };
}
