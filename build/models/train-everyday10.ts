/**
 * npm run everyday10 -- <pictures> <unseen pictures>: makes the bundled model `everyday10` from CIFAR-10's 50,000 training
 * pictures, in a folder per class. Teaches a model on them from scratch and makes it a DyVM, measures it on the unseen
 * pictures, of CIFAR-10's test set, and puts it into resources/models. All else is in out/everyday10; what is there already
 * is not made again.
 */
import path from 'node:path';
import { DEFAULT_MODEL } from '../../electron/core/runs/run-spec.ts';
import { readManifest } from '../../electron/core/packages/read-package.ts';
import type { ClassificationManifest } from '../../electron/shared/model-package.ts';
import { BundledModel, measureLabels } from './bundled-model.ts';
import { classifierRecipe, comparedWithPlain } from './card-text.ts';

const [learned, unseen] = process.argv
  .slice(2)
  .map((folder) => path.resolve(process.env['INIT_CWD'] ?? '.', folder));
if (learned === undefined || unseen === undefined)
  throw new Error(
    'Expected two folders of class folders: npm run everyday10 -- <pictures> <unseen pictures>',
  );

const model = new BundledModel(DEFAULT_MODEL);

// Without pruning first; then a DyVM that learns from that.
const plain = model.teach('everyday-plain', learned, {
  from: 'scratch',
  method: 'scratch',
  epochs: 22,
  batch: 64,
  lr: 1.5e-3,
  holdout: 0.03,
  width: 192,
  depth: 10,
  states: 8,
  without: 'colour-jitter',
  'image-size': 32,
  'patch-size': 8,
  stride: 4,
});
const dynamic = model.teach('everyday-dyvm', learned, {
  from: 'everyday-plain',
  method: 'distill',
  epochs: 22,
  batch: 64,
  lr: 1e-3,
  holdout: 0.03,
  'token-keep': 0.9,
  'block-keep': 0.8,
  with: 'rand-augment',
});
const parent = (await readManifest(plain)) as ClassificationManifest;
await model.bundle(dynamic, measureLabels(unseen), (manifest) => ({
  about: 'A small DyVM-Vim that tells ten everyday things apart',
  purpose:
    'It comes with Winnow so that everything can be tried without a download. It is fit for a first try, not for work.',
  data: "CIFAR-10: its 50,000 training pictures of 32x32 pixels, ten classes of equal size, of which 3 % were held out. A larger picture is shrunk to 32 pixels on its shorter side and cropped to its centre, then scaled to 0-1 and normalised with ImageNet's mean and deviation.",
  recipe: classifierRecipe(manifest, parent),
  score: 'Top-1',
  tested: "pictures of CIFAR-10's test set",
  compared: comparedWithPlain(parent),
  limits: [
    'Every picture gets one of the ten labels, whatever it shows.',
    'It has seen pictures of 32 pixels with one thing in the middle. Small, several or off-centre things are lost when a photo is shrunk.',
    'A confidence is not a promise.',
    'CIFAR-10 was collected from the web in the 2000s; its classes are coarse (no lorry apart from truck, no van at all).',
  ],
}));
