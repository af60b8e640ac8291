/**
 * npm run parts, behind train-parts.ts: makes the bundled models `parts-boxes` and `parts-map` and their pictures. Draws
 * scenes of several parts to learn from and others to test with, teaches on the first where parts lie, boxes from the model
 * `parts` and areas from the model of boxes, measures it on the second, and puts the models into resources/models and a few scenes, with their truth, into resources/samples.
 * All else is in out/scenes, out/parts-boxes and out/parts-map; what is there already is not made again.
 */
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { SAMPLE_MODEL } from '../../electron/shared/api/settings.ts';
import { writeMaps } from '../parts/write-maps.ts';
import { root } from '../setup.mjs';
import { BundledModel, drawParts, madeFolder, measureMarks } from './bundled-model.ts';

const SIDE = 192; // pixels: parts are as large as in the pictures that `parts` has seen
const folder = path.join(root, 'out/scenes');
mkdirSync(folder, { recursive: true });

/** Scenes from a seed, with where their parts are as COCO JSON and as class maps. */
async function draw(name: string, options: { seed: number; count: number; side: number }) {
  const pictures = await drawParts(path.join(folder, name), options, '--scenes');
  const maps = await madeFolder(`${pictures}-maps`, (unfinished) => writeMaps(pictures, unfinished));
  return {
    boxes: { task: 'detection', pictures, marks: path.join(pictures, 'annotations.json') },
    areas: { task: 'segmentation', pictures, marks: maps },
  } as const;
}

const learned = await draw('learned', { seed: 4, count: 3000, side: SIDE });
const unseen = await draw('unseen', { seed: 5, count: 400, side: SIDE });

const shape = { method: 'fine-tune', 'image-size': SIDE, holdout: 0.05 };
const percent = (share: number | undefined) => (100 * (share ?? 0)).toFixed(1);
const data =
  '3,000 drawn scenes of 192x192 pixels, one to seven parts in each, mostly side by side: the solids, tables, light and camera of the model `parts`. `build/parts` draws them from a seed, with the box and the mask of every part.';
const recipe = (from: string, epochs: number | undefined, keep: readonly number[]) =>
  `\`npm run parts\` makes it again: the model \`${from}\` with a new head, fine-tuned for ${epochs ?? 0} epochs with pruning on, token keep ratio ${keep[0]}. docs/training.md has the command.`;
const purpose =
  'It comes with Winnow as a model of the sample scenes, and as an example of what `winnow train` makes of drawn or marked pictures.';
const limits = [
  'It has seen drawings only, a table from above. Photographs of parts are another matter: teach a model of your own with them.',
  'It sees pictures at 192 pixels: parts that are smaller than a tenth of the picture are lost.',
];
const tested = 'scenes from another seed';
const compared = 'Balanced is as trained. Weights were rounded to 16 bits before all of this was measured.';

const boxes = new BundledModel('parts-boxes');
await boxes.bundle(
  await boxes.teachMarked('parts-boxes', learned.boxes, {
    ...shape,
    from: SAMPLE_MODEL,
    'patch-size': 8,
    epochs: 12,
  }),
  measureMarks(unseen.boxes, ({ box, mask }) => ({
    'AP50, %': percent(box.ap50),
    'AP, %': percent(box.ap),
    'AP50 of masks, %': percent(mask?.ap50),
    'AP of masks, %': percent(mask?.ap),
  })),
  ({ training, tokenKeep }) => ({
    about: 'A small DyVM detector that finds twelve kinds of workshop parts, each with its box and mask',
    purpose,
    data,
    recipe: recipe(SAMPLE_MODEL, training?.recipe.epochs, tokenKeep),
    score: 'Average precision as COCO counts it',
    tested,
    compared,
    limits,
  }),
  true,
);

const areas = new BundledModel('parts-map');
await areas.bundle(
  await areas.teachMarked('parts-map', learned.areas, { ...shape, from: 'parts-boxes', epochs: 6, lr: 8e-4 }),
  measureMarks(unseen.areas, ({ meanIou, pixelAccuracy }) => ({
    'mean IoU, %': percent(meanIou),
    'pixels right, %': percent(pixelAccuracy),
  })),
  ({ training, tokenKeep }) => ({
    about:
      'A small DyVM segmenter that says of every pixel which kind of workshop part is seen there, or none',
    purpose,
    data,
    recipe: recipe('parts-boxes', training?.recipe.epochs, tokenKeep),
    score: 'Mean IoU over all classes, background among them,',
    tested,
    compared,
    limits,
  }),
  true,
);

const samples = path.join(root, 'resources/samples/scenes');
rmSync(samples, { recursive: true, force: true });
await drawParts(samples, { seed: 6, count: 12, side: 2 * SIDE }, '--scenes');
renameSync(path.join(samples, 'annotations.json'), `${samples}.json`);
