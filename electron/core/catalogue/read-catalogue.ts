import { readFileSync } from 'node:fs';
import { catalogueSchema } from '../../shared/catalogue.ts';
import type { CatalogueModel } from '../../shared/catalogue.ts';
import { AppError } from '../../shared/errors.ts';

const CATALOGUE = new URL('../../../resources/models/catalogue.json', import.meta.url);

let models: CatalogueModel[] | undefined;

/** The models whose weights others have published, in the order in which they are shown. */
export function catalogue(): readonly CatalogueModel[] {
  models ??= catalogueSchema.parse(JSON.parse(readFileSync(CATALOGUE, 'utf8'))).models;
  return models;
}

/** A model of the catalogue; throws NOT_FOUND. */
export function catalogueModel(name: string): CatalogueModel {
  return findModel(catalogue(), name);
}

/** The model of this name; throws NOT_FOUND. */
export function findModel(models: readonly CatalogueModel[], name: string): CatalogueModel {
  const model = models.find((one) => one.name === name);
  if (model !== undefined) return model;
  throw new AppError(
    'NOT_FOUND',
    `There is no model ${name} in the catalogue`,
    '`winnow models available` lists what it has.',
  );
}
