import { fileURLToPath } from 'node:url';

/** The folder of the models that come with Winnow. */
export const bundledModels = fileURLToPath(new URL('../../../resources/models', import.meta.url));

/**
 * What most tests have in its place, and the one model that is there: an import of the golden checkpoint
 * dyvm-vim-micro-cifar10, so that what they expect does not depend on which everyday10 comes with Winnow.
 */
export const testModels = fileURLToPath(new URL('../../models', import.meta.url));
export const everyday10 = fileURLToPath(new URL('../../models/everyday10.safetensors', import.meta.url));

export const parts = fileURLToPath(new URL('../../../resources/models/parts.safetensors', import.meta.url));

/** Pictures of everyday10's classes that come with Winnow. */
export const sampleImages = fileURLToPath(new URL('../../../resources/samples/everyday', import.meta.url));

/** All pictures that come with Winnow. */
export const samplesFolder = fileURLToPath(new URL('../../../resources/samples', import.meta.url));

/** Pictures of workshop parts, in a folder per class of the bundled model `parts`. */
export const sampleParts = fileURLToPath(new URL('../../../resources/samples/parts', import.meta.url));

/** Scenes of several workshop parts, which the bundled models `parts-boxes` and `parts-map` know. */
export const sampleScenes = fileURLToPath(new URL('../../../resources/samples/scenes', import.meta.url));

/** The labels of everyday10 in order of class. */
export const everydayLabels = [
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
];
