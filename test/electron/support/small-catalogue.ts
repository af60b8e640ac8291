import { catalogue } from '../../../electron/core/catalogue/read-catalogue.ts';
import type { ClassifierShape } from '../../../electron/core/models/model-shape.ts';
import type { CatalogueModel } from '../../../electron/shared/catalogue.ts';
import { modelOf, trainingCheckpoint } from '../core/checkpoint/tiny-model.ts';
import { Arguments, saveZip, TorchTensor } from '../core/checkpoint/torch-save.ts';
import { PUBLISHED_FILES } from './published-checkpoints.ts';

const TINY = { imageSize: 8, patchSize: 4, stride: 4, embedDim: 8, stateDim: 2, convWidth: 2, dtRank: 1 };

/**
 * The model of the catalogue with a file of some hundred kilobytes in place of the published one: the same architecture,
 * arguments and classes, only narrower and with fewer patches. All else is as in the catalogue.
 */
export function smallModel(model: CatalogueModel): { model: CatalogueModel; content: Buffer } {
  const isRegistered = model.architecture === 'mambareg';
  const shape: ClassifierShape = {
    task: 'classification',
    ...TINY,
    depth: model.isDynamic ? 19 : 2,
    classes: model.classes,
    blockSelection: model.isDynamic,
    pruningLayers: model.isDynamic ? [6, 12, 18] : [],
    ...(isRegistered ? { registers: 2, registerReduction: 2 } : {}),
  };
  const weights = modelOf(shape);
  const parameters = [...weights.values()].reduce<number>(
    (sum, tensor) => sum + (tensor instanceof TorchTensor ? tensor.elements : 0),
    0,
  );
  const args = new Arguments({ ...PUBLISHED_FILES[model.name]?.args, input_size: 8 });
  const content = saveZip(trainingCheckpoint(weights, [['args', args]]));
  return { model: { ...model, parameters }, content };
}

/** All models of the catalogue with such files. */
export function smallCatalogue(): { model: CatalogueModel; content: Buffer }[] {
  return catalogue().map(smallModel);
}
