import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import {
  cardText,
  classifierRecipe,
  comparedWithPlain,
  labelScores,
  modelText,
} from '../../build/models/card-text.ts';
import { readManifest } from '../../electron/core/packages/read-package.ts';
import type { ClassificationManifest, Trained } from '../../electron/shared/model-package.ts';
import { bundledModels } from '../electron/support/models.ts';

/** A bundled model and the card beside it. */
async function bundled(
  name: string,
): Promise<{ manifest: ClassificationManifest; bytes: number; card: string }> {
  const file = join(bundledModels, `${name}.safetensors`);
  const manifest = (await readManifest(file)) as ClassificationManifest;
  return {
    manifest,
    bytes: statSync(file).size,
    card: readFileSync(join(bundledModels, `${name}.md`), 'utf8'),
  };
}

suite('the card of a bundled model', () => {
  for (const name of ['everyday10', 'parts'])
    test(`${name} is of its package`, async () => {
      const { manifest, bytes, card } = await bundled(name);
      const labels = manifest.labels.map((label) => label.name).join(', ');
      assert.ok(card.startsWith(`# ${name}\n`));
      for (const text of [modelText(manifest, bytes), `apart: ${labels}.`])
        assert.ok(card.includes(text), text);
    });

  test('parts is written from what was measured', async () => {
    const { manifest, bytes, card } = await bundled('parts');
    const training = { recipe: { epochs: 28 }, holdout: { top1: 0.979, images: 960 } } as Trained;
    const plain = { ...manifest, training };
    const measured = [
      { preset: 'accurate', keep: 1, images: 2004, scores: labelScores(0.986, 0.826) },
      { preset: 'balanced', keep: 0.85, images: 2004, scores: labelScores(0.977, 0.826) },
      { preset: 'fast', keep: 0.65, images: 2004, scores: labelScores(0.959, 0.826) },
    ];
    const words = {
      about: 'A small DyVM-Vim that tells twelve kinds of workshop parts apart',
      purpose: '',
      data: '',
      recipe: classifierRecipe(manifest, plain),
      score: 'Top-1',
      tested: 'pictures from another seed',
      compared: comparedWithPlain(plain),
      limits: [],
    };
    const written = cardText({ manifest, bytes, measured, words });
    const titles = ['Model', 'Recipe', 'Accuracy', 'Licence'];
    for (const title of titles) assert.equal(section(card, title), section(written, title));
  });
});

function section(card: string, title: string): string {
  return card.split(/^## /m).find((text) => text.startsWith(`${title}\n`)) ?? `no ${title}`;
}
