import type { ModelPackage } from '../../../electron/shared/model-package.ts';

/** Whether a model can be taken to start from: training knows Vim and VideoMamba classifiers. */
export const canBeTrained = ({ manifest }: Pick<ModelPackage, 'manifest'>) =>
  manifest.task === 'classification' && manifest.architecture !== 'mambareg';
