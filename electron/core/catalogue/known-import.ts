import type { CheckpointReport } from '../../shared/api/models.ts';
import { NO_LICENCE_STATED } from '../../shared/catalogue.ts';
import type { CatalogueModel } from '../../shared/catalogue.ts';
import { AppError } from '../../shared/errors.ts';
import { bundledLabels } from '../checkpoint/labels.ts';
import type { ImportOptions } from '../checkpoint/import-checkpoint.ts';

/**
 * What the catalogue says for the import of a model's file: answers to what the file leaves open, how its makers evaluate it,
 * and what goes on its card. What the file itself records holds. Throws BAD_ARGUMENT for a file of another model.
 */
export function knownImport(
  model: CatalogueModel,
  { parameters, questions }: Pick<CheckpointReport, 'parameters' | 'questions'>,
): Omit<ImportOptions, 'checkpointPath' | 'name' | 'modelsFolder'> {
  if (parameters !== model.parameters) {
    throw new AppError(
      'BAD_ARGUMENT',
      `The file has ${parameters.toLocaleString('en')} weights, but ${model.title} has ${model.parameters.toLocaleString('en')}`,
      'It is the file of another model; `winnow models import` takes it.',
    );
  }
  const isOpen = (option: CheckpointReport['questions'][number]['option']) =>
    questions.some((question) => question.option === option);
  const { architecture, tokenKeep, pruningLayers, cropRatio, labels } = model.import;
  return {
    architecture: isOpen('architecture') ? architecture : undefined,
    tokenKeep: isOpen('tokenKeep') ? tokenKeep : undefined,
    pruningLayers: isOpen('pruningLayers') ? pruningLayers : undefined,
    labelsPath: bundledLabels(labels),
    cropRatio,
    licence: model.licence ?? NO_LICENCE_STATED,
    published: { model: model.name, ...model.published },
  };
}
