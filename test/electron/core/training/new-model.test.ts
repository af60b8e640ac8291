import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { readManifest } from '../../../../electron/core/packages/read-package.ts';
import { orderClasses } from '../../../../electron/core/training/classes.ts';
import {
  newManifest,
  parameterCount,
  quarterLayers,
  trainableManifest,
} from '../../../../electron/core/training/new-model.ts';
import type { ParentModel, TrainingRequest } from '../../../../electron/core/training/new-model.ts';
import { classificationSchema } from '../../../../electron/shared/model-package.ts';
import type { ClassificationManifest, Manifest } from '../../../../electron/shared/model-package.ts';
import { everyday10, everydayLabels } from '../../support/models.ts';
import { appError } from '../app-error.ts';

const aims = { keep: 0.7, blocks: 0.8 };
const labels = [{ name: 'cat' }, { name: 'dog' }];

async function everyday(change: Partial<ClassificationManifest> = {}): Promise<ParentModel> {
  const manifest = { ...((await readManifest(everyday10)) as ClassificationManifest), ...change };
  const model = { name: 'everyday10', path: everyday10, bytes: 1, bundled: true, manifest };
  return { model, manifest, sha256: 'a'.repeat(64) };
}

const unpruned = { pruningLayers: [], tokenKeep: [], blockSelection: false, blockKeep: undefined };

function made(request: TrainingRequest, parent?: ParentModel): ClassificationManifest {
  const manifest = newManifest(request, parent, labels, 'animals', aims);
  assert.ok(classificationSchema.safeParse(manifest).success);
  return manifest;
}

suite('the new model', () => {
  test('from scratch has the published sizes and prunes nothing', () => {
    const sizes = (['micro', 'tiny', 'small', 'base'] as const).map((size) => {
      const { embedDim, depth, imageSize, patchSize, stride, dtRank } = made({ method: 'scratch', size });
      return [embedDim, depth, imageSize, patchSize, stride, dtRank];
    });
    assert.deepEqual(sizes, [
      [96, 8, 32, 4, 4, 6],
      [192, 24, 224, 16, 16, 12],
      [384, 24, 224, 16, 16, 24],
      [768, 24, 224, 16, 16, 48],
    ]);
    const { pruningLayers, blockSelection, preprocessing, stateDim } = made({ method: 'scratch' });
    assert.deepEqual([pruningLayers, blockSelection, stateDim], [[], false, 16]);
    assert.deepEqual([preprocessing.resize, preprocessing.crop], [256, 224]);
  });

  test('from scratch takes sizes that were asked for, and prunes when it is told to', () => {
    const request: TrainingRequest = {
      method: 'scratch',
      size: 'micro',
      imageSize: 64,
      patchSize: 8,
      stride: 4,
    };
    const model = made({ ...request, tokenKeep: '0.8' });
    assert.deepEqual([model.imageSize, model.patchSize, model.stride], [64, 8, 4]);
    assert.deepEqual([model.pruningLayers, model.blockSelection, model.blockKeep], [[2, 4, 6], true, 0.8]);
    assert.equal(model.tokenKeep[1], 0.8 ** 2);
    const blocksOnly = made({ method: 'scratch', blockKeep: 0.6 });
    assert.deepEqual([blocksOnly.pruningLayers, blocksOnly.blockKeep], [[], 0.6]);
    assert.throws(
      () => made({ method: 'scratch', imageSize: 8, patchSize: 16 }),
      appError('BAD_ARGUMENT', /Patches of 16 pixels every 16 do not fit an image of 8 pixels/),
    );
    assert.throws(
      () => made({ method: 'scratch', imageSize: 1024, patchSize: 8, stride: 4 }),
      appError('BAD_ARGUMENT', /at most 4096 patches/),
    );
  });

  test('prunes at the quarters of the depth', () => {
    assert.deepEqual([24, 8, 3, 1].map(quarterLayers), [[6, 12, 18], [2, 4, 6], [1, 2], []]);
  });

  test('that is distilled from an unpruned one learns to leave out', async () => {
    const model = made({ method: 'distill' }, await everyday(unpruned));
    assert.deepEqual([model.pruningLayers, model.blockSelection, model.blockKeep], [[2, 4, 6], true, 0.8]);
    assert.ok(Math.abs((model.tokenKeep[2] ?? 0) - 0.343) < 1e-9);
    const asked = made(
      { method: 'distill', tokenKeep: '0.9,0.8,0.5', blockKeep: 0.6 },
      await everyday(unpruned),
    );
    assert.deepEqual([asked.tokenKeep, asked.blockKeep], [[0.9, 0.8, 0.5], 0.6]);
  });

  test('that goes on from a DyVM prunes as that does, or as it was asked for', async () => {
    const parent = await everyday();
    for (const method of ['fine-tune', 'distill', 'head'] as const) {
      const { pruningLayers, tokenKeep, blockSelection } = made({ method }, parent);
      assert.deepEqual(
        [pruningLayers, tokenKeep, blockSelection],
        [parent.manifest.pruningLayers, parent.manifest.tokenKeep, true],
      );
    }
    assert.equal(made({ method: 'fine-tune', tokenKeep: '0.5' }, parent).tokenKeep[1], 0.25);
  });

  test('has the labels, the licence and the origin of what it is made from', async () => {
    const { name, classes, provenance, licence } = made({ method: 'fine-tune' }, await everyday());
    assert.deepEqual([name, classes, licence], ['animals', 2, 'Apache-2.0']);
    assert.deepEqual([provenance.file, provenance.sha256], ['everyday10.safetensors', 'a'.repeat(64)]);
  });

  test('knows how many numbers it holds', async () => {
    const { manifest } = await everyday();
    assert.ok(parameterCount(manifest) > 600_000 && parameterCount(manifest) < 800_000);
  });

  test('is refused settings that it has no use for', async () => {
    const [dynamic, whole] = [await everyday(), await everyday(unpruned)];
    const refusals: [TrainingRequest, ParentModel, RegExp][] = [
      [{ method: 'fine-tune', tokenKeep: '0.7' }, whole, /everyday10 does not prune patches/],
      [{ method: 'fine-tune', blockKeep: 0.7 }, whole, /everyday10 runs all of its scans/],
      [{ method: 'head', blockKeep: 0.7 }, dynamic, /leaves the blocks as they are/],
      [{ method: 'fine-tune', size: 'tiny' }, dynamic, /The size is that of the model everyday10/],
      [{ method: 'fine-tune', imageSize: 64 }, dynamic, /The image size is that of/],
      [{ method: 'distill', tokenKeep: '0.7,0.5' }, dynamic, /prunes in 3 stages/],
    ];
    for (const [request, parent, sentence] of refusals)
      assert.throws(() => made(request, parent), appError('BAD_ARGUMENT', sentence));
  });

  test('is not made from a model of another kind', async () => {
    const { model } = await everyday();
    const of = (change: object) => ({ ...model, manifest: { ...model.manifest, ...change } as Manifest });
    assert.throws(
      () => trainableManifest(of({ task: 'detection' })),
      appError('BAD_ARGUMENT', /needs a classifier, but the model everyday10 detects objects/),
    );
    assert.throws(
      () => trainableManifest(of({ task: 'segmentation' })),
      appError('BAD_ARGUMENT', /segments pictures/),
    );
    assert.throws(
      () => trainableManifest(of({ architecture: 'mambareg' })),
      appError('BAD_ARGUMENT', /is a MambaReg model/),
    );
  });
});

suite('the classes', () => {
  test('are sorted by name where the parent knows others', async () => {
    const classes = orderClasses(['fox', 'cat'], { method: 'fine-tune' }, await everyday());
    assert.deepEqual(classes, [
      { name: 'cat', label: { name: 'cat' } },
      { name: 'fox', label: { name: 'fox' } },
    ]);
  });

  test('have the order and labels of the parent where they are the same, however they are written', async () => {
    const parentLabels = [{ name: 'tench', synset: 'n01440764' }, { name: 'Great_Grey owl' }];
    const parent = await everyday({ labels: parentLabels, classes: 2 });
    for (const method of ['fine-tune', 'distill', 'head'] as const) {
      const classes = orderClasses(['great grey owl', 'n01440764'], { method }, parent);
      assert.deepEqual(
        classes.map(({ name }) => name),
        ['n01440764', 'great grey owl'],
      );
      assert.deepEqual(
        classes.map(({ label }) => label),
        parentLabels,
      );
    }
  });

  test('of a distillation are those of the teacher', async () => {
    const parent = await everyday();
    assert.equal(orderClasses(everydayLabels, { method: 'distill' }, parent).length, 10);
    assert.throws(
      () => orderClasses(['cat', 'dog'], { method: 'distill' }, parent),
      appError('BAD_ARGUMENT', /everyday10 tells 10 classes apart and there are pictures of 2/),
    );
    assert.throws(
      () => orderClasses([...everydayLabels.slice(1), 'fox'], { method: 'distill' }, parent),
      appError('BAD_ARGUMENT', /everyday10 knows no class fox/),
    );
  });
});
