import { stringify } from 'csv-stringify/sync';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { classMap } from '../../electron/core/export/maps.ts';
import { greyPng } from '../../electron/core/export/png.ts';

/** What is read of the annotations that write-parts.ts puts beside its pictures. */
const annotationsSchema = z.object({
  images: z.array(z.object({ id: z.int(), file_name: z.string(), width: z.int(), height: z.int() })),
  categories: z.array(z.object({ id: z.int(), name: z.string() })),
  annotations: z.array(
    z.object({
      image_id: z.int(),
      category_id: z.int(),
      segmentation: z.object({ counts: z.string() }),
    }),
  ),
});

/** The class of what no part covers; those of the parts come behind it. */
const BACKGROUND = 'background';

/**
 * Writes a class map of every scene of a folder into a new folder, as PNGs by the scenes' names: 1 where no part is what is
 * seen, the kind's number + 1 where one is; `classes.csv` names them.
 */
export async function writeMaps(scenes: string, folder: string): Promise<void> {
  const text = readFileSync(path.join(scenes, 'annotations.json'), 'utf8');
  const { images, categories, annotations } = annotationsSchema.parse(JSON.parse(text));
  const masks = Map.groupBy(annotations, (annotation) => annotation.image_id);
  const names = [BACKGROUND, ...categories.map(({ name }) => name)];
  mkdirSync(folder, { recursive: true });
  const table = [['value', 'label'], ...names.map((name, index) => [index + 1, name])];
  writeFileSync(path.join(folder, 'classes.csv'), stringify(table));
  for (const { id, file_name: file, width, height } of images) {
    const parts = (masks.get(id) ?? []).map(({ category_id: category, segmentation }) => ({
      classIndex: categories.findIndex((other) => other.id === category) + 1,
      counts: segmentation.counts,
    }));
    const values = classMap(parts, width, height, names.length).map((value) => Math.max(value, 1));
    writeFileSync(path.join(folder, `${path.parse(file).name}.png`), await greyPng(values, width, height));
  }
}
