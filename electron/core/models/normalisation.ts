import type { Preprocessing } from '../../shared/model-package.ts';

/** ImageNet's mean and deviation, which every model of the family is trained with. */
export const IMAGENET_COLOURS: Pick<Preprocessing, 'mean' | 'std'> = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};
