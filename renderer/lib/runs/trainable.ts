import type { ModelPackage } from '../../../electron/shared/model-package.ts';
import { isOfTrainable } from '../../../electron/shared/tasks.ts';
import { ARCHITECTURES } from '../../../electron/shared/architectures.ts';

/** Whether a training can start from a model. */
export const canBeTrained = ({ manifest }: Pick<ModelPackage, 'manifest'>) =>
  isOfTrainable(manifest) && ARCHITECTURES[manifest.architecture].isTrainable;
