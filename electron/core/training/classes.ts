import { AppError } from '../../shared/errors.ts';
import type { Label } from '../../shared/model-package.ts';
import { shortened } from '../../shared/shortened.ts';
import { classFinder } from '../models/class-names.ts';
import type { ParentModel, TrainingRequest } from './new-model.ts';

/** The classes of the new model: the class name in the pictures' source, and its label in the model. */
export interface NewClass {
  name: string;
  label: Label;
}

/**
 * The classes in the order of the new model. Where they are those of the parent, one for one, they have its order and
 * labels, so that its last layer goes on to be right; else they are sorted by name. Throws BAD_ARGUMENT for a
 * distillation whose teacher knows other classes.
 */
export function orderClasses(
  names: readonly string[],
  { method }: Pick<TrainingRequest, 'method'>,
  parent: ParentModel | undefined,
): NewClass[] {
  const sorted = [...names].sort();
  const labels = parent?.manifest.labels ?? [];
  const find = classFinder(labels);
  const matched = sorted.map((name) => ({ name, indices: find(name) }));
  const taken = new Set(matched.flatMap(({ indices }) => (indices.length === 1 ? indices : [])));
  const isSame = taken.size === labels.length && sorted.length === labels.length;
  if (isSame) {
    const indices = new Map(matched.map(({ name, indices }) => [name, indices[0] ?? 0]));
    return sorted
      .sort((one, other) => (indices.get(one) ?? 0) - (indices.get(other) ?? 0))
      .map((name, index) => ({ name, label: labels[index] ?? { name } }));
  }
  if (method === 'distill' && parent !== undefined) {
    throw new AppError(
      'BAD_ARGUMENT',
      `A distilled model learns the classes of its teacher, but ${whatDiffers(matched, parent)}`,
      `Fine-tune ${parent.model.name} on these pictures first, then distil the model that comes out.`,
    );
  }
  return sorted.map((name) => ({ name, label: { name } }));
}

/** Whether these classes, as `orderClasses` made them, are the parent's. */
export function areParents(classes: readonly NewClass[], parent: ParentModel | undefined): boolean {
  const labels = parent?.manifest.labels ?? [];
  return classes.length === labels.length && classes.every(({ label }, index) => label === labels[index]);
}

function whatDiffers(
  matched: readonly { name: string; indices: readonly number[] }[],
  { model, manifest }: ParentModel,
): string {
  const stranger = matched.find(({ indices }) => indices.length !== 1);
  return stranger === undefined
    ? `${model.name} tells ${manifest.classes} classes apart and there are pictures of ${matched.length}`
    : `${model.name} knows no class ${shortened(stranger.name)}`;
}
