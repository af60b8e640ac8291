/**
 * npm run parts, behind train-parts.ts: makes the bundled model `parts-boxes` and its pictures. Draws scenes of several
 * parts to learn from and others to test with, teaches on the first where parts lie, from the model `parts`, measures it on
 * the second, and puts the model into resources/models and a few scenes, with their truth, into resources/samples. All else
 * is in out/parts-boxes; what is there already is not made again.
 */
import { renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { SAMPLE_MODEL } from '../../electron/shared/api/settings.ts';
import { root } from '../setup.mjs';
import { BundledModel, drawParts, measureMarks } from './bundled-model.ts';
import type { Options } from './bundled-model.ts';

const SIDE = 192; // pixels: parts are as large as in the pictures that `parts` has seen
const EPOCHS = [12, 10] as const; // of a training, and of one that goes on from it

const model = new BundledModel('parts-boxes');

/** Scenes from a seed, with where their parts are as COCO JSON. */
function draw(name: string, options: Options) {
  const pictures = drawParts(path.join(model.folder, name), options, '--scenes');
  return { task: 'detection', pictures, marks: path.join(pictures, 'annotations.json') } as const;
}

const learned = draw('learned', { seed: 4, count: 3000, side: SIDE });
const unseen = draw('unseen', { seed: 5, count: 400, side: SIDE });
const shape = { method: 'fine-tune', 'patch-size': 8, 'image-size': SIDE, holdout: 0.05 };
const first = await model.teachMarked('parts-boxes-first', learned, {
  ...shape,
  from: SAMPLE_MODEL,
  epochs: EPOCHS[0],
});
const second = await model.teachMarked('parts-boxes-second', learned, {
  ...shape,
  from: first,
  epochs: EPOCHS[1],
  lr: 5e-4,
});
const percent = (share: number | undefined) => (100 * (share ?? 0)).toFixed(1);
await model.bundle(
  second,
  measureMarks(unseen, ({ box, mask }) => ({
    'AP50, %': percent(box.ap50),
    'AP, %': percent(box.ap),
    'AP50 of masks, %': percent(mask?.ap50),
    'AP of masks, %': percent(mask?.ap),
  })),
  ({ tokenKeep }) => ({
    about: 'A small DyVM detector that finds twelve kinds of workshop parts, each with its box and mask',
    purpose:
      'It comes with Winnow as a model of the sample scenes, and as an example of what `winnow train` makes of marked pictures.',
    data: '3,000 drawn scenes of 192x192 pixels, one to seven parts in each, mostly side by side: the solids, tables, light and camera of the model `parts`. `build/parts` draws them from a seed, with the box and the mask of every part.',
    recipe: `\`npm run parts\` makes it again: the model \`parts\` with a new head and patches of 8x8 side by side, fine-tuned for ${EPOCHS.join(' and again for ')} epochs with pruning on, token keep ratio ${tokenKeep[0]}. docs/training.md has the commands.`,
    score: 'Average precision as COCO counts it',
    tested: 'scenes from another seed',
    compared: 'Balanced is as trained. Weights were rounded to 16 bits before all of this was measured.',
    limits: [
      'It has seen drawings only, a table from above. Photographs of parts are another matter: teach a model of your own with them.',
      'It sees pictures at 192 pixels: parts that are smaller than a tenth of the picture are lost.',
      'Rings and nuts are taken for one another where they are small, and one part may get two names.',
    ],
  }),
  true,
);

const samples = path.join(root, 'resources/samples/scenes');
rmSync(samples, { recursive: true, force: true });
drawParts(samples, { seed: 6, count: 12, side: 2 * SIDE }, '--scenes');
renameSync(path.join(samples, 'annotations.json'), `${samples}.json`);
