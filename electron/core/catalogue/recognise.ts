import { stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import type { CheckpointReport } from '../../shared/api/models.ts';
import type { CatalogueModel } from '../../shared/catalogue.ts';
import { sha256OfFile } from '../packages/sha256.ts';

/** What browsers put behind the name of a file that they have already: `name (1).pth`. */
const COPY = / ?\(\d+\)$/;

/**
 * The model of the catalogue whose file this is: by its SHA-256 where the catalogue has one, else by its name and its size.
 * Where the catalogue has no size either, the file must hold as many numbers as the model. Rejects with NOT_FOUND.
 */
export async function recognise(
  path: string,
  { parameters }: Pick<CheckpointReport, 'parameters'>,
  models: readonly CatalogueModel[],
): Promise<CatalogueModel | undefined> {
  const { size } = await stat(path);
  const mayBe = models.filter(({ file }) => file.bytes === undefined || file.bytes === size);
  const hashed = mayBe.filter(({ file }) => file.sha256 !== undefined);
  if (hashed.length > 0) {
    const sha256 = await sha256OfFile(path);
    const found = hashed.find(({ file }) => file.sha256 === sha256);
    if (found !== undefined) return found;
  }
  const name = plainName(path);
  return mayBe.find(
    (model) =>
      model.file.sha256 === undefined &&
      model.file.name !== undefined &&
      plainName(model.file.name) === name &&
      model.parameters === parameters,
  );
}

function plainName(path: string): string {
  return basename(path, extname(path)).replace(COPY, '').toLowerCase();
}
