/**
 * npm run parts: makes the bundled model `parts` and its pictures. Draws workshop parts to learn from and others to test
 * with, teaches a model on the first from scratch and makes it a DyVM, measures it on the second, and puts it into
 * resources/models and the demo's pictures into resources/samples. All else is in out/parts; what is there already is not
 * made again.
 */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { SAMPLE_MODEL } from '../../electron/shared/api/settings.ts';
import type { ClassificationManifest } from '../../electron/shared/model-package.ts';
import { readManifest } from '../../electron/core/packages/read-package.ts';
import { root } from '../setup.mjs';
import { BundledModel, drawParts, measureLabels } from './bundled-model.ts';
import { classifierRecipe, comparedWithPlain } from './card-text.ts';

const model = new BundledModel(SAMPLE_MODEL);
const side = 72; // pixels, which the model sees as they are: it crops 63 of them

const learned = drawParts(path.join(model.folder, 'learned'), { seed: 1, count: 32_000, side });
const unseen = drawParts(path.join(model.folder, 'unseen'), { seed: 2, count: 2_004, side });

// Without pruning first; then a DyVM that learns from that.
const plain = model.teach('parts-plain', learned, {
  from: 'scratch',
  method: 'scratch',
  epochs: 28,
  lr: 2e-3,
  holdout: 0.03,
  width: 128,
  depth: 8,
  states: 8,
  'image-size': 63,
  'patch-size': 14,
  stride: 7,
});
const dynamic = model.teach('parts-pruned', learned, {
  from: 'parts-plain',
  method: 'distill',
  epochs: 12,
  lr: 1e-3,
  holdout: 0.03,
  'token-keep': 0.85,
  'block-keep': 0.8,
});
const parent = (await readManifest(plain)) as ClassificationManifest;
await model.bundle(dynamic, measureLabels(unseen), (manifest) => ({
  about: 'A small DyVM-Vim that tells twelve kinds of workshop parts apart',
  purpose:
    'It comes with Winnow as the model of the sample pictures, and as an example of a model that Winnow made from nothing.',
  data: '32,000 drawn pictures of 72x72 pixels, one part in each, somewhere near the middle: solids lit with shadows on tables of wood, metal, concrete, cloth, card and paint, seen from above by a camera with blur, vignette and noise. `build/parts` draws them from a seed.',
  recipe: classifierRecipe(manifest, parent),
  score: 'Top-1',
  tested: 'pictures from another seed',
  compared: comparedWithPlain(parent),
  limits: [
    'Every picture gets one of the twelve labels, whatever it shows.',
    'It has seen drawings only, one part at a time, and none that is small in its picture. Photographs of parts are another matter: teach a model of your own with them.',
  ],
}));

const samples = path.join(root, 'resources/samples/parts');
rmSync(samples, { recursive: true, force: true });
drawParts(samples, { seed: 3, count: 60, side: 160 });
rmSync(path.join(samples, 'annotations.json'));
