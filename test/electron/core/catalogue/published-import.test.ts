import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { knownImport } from '../../../../electron/core/catalogue/known-import.ts';
import { catalogue, catalogueModel } from '../../../../electron/core/catalogue/read-catalogue.ts';
import { openCheckpoint } from '../../../../electron/core/checkpoint/checkpoint-file.ts';
import { describeModel } from '../../../../electron/core/checkpoint/describe-model.ts';
import { inspectCheckpoint } from '../../../../electron/core/checkpoint/inspect-checkpoint.ts';
import { findStateDict } from '../../../../electron/core/checkpoint/state-dict.ts';
import type { ClassificationManifest } from '../../../../electron/shared/model-package.ts';
import type { CatalogueModel } from '../../../../electron/shared/catalogue.ts';
import { appError } from '../app-error.ts';
import { PUBLISHED_FILES, randomBlock, writePublished } from '../../support/published-checkpoints.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { testApp } from '../../support/test-app.ts';

/** What the published models are, as their papers and programs say. */
const EXPECTED: Record<string, Partial<ClassificationManifest>> = {
  'dyvm-vim-s': { ...dynamic('vim', 384), blockKeep: 0.8 },
  'dyvm-vim-b': { ...dynamic('vim', 768), blockKeep: 0.7 },
  'vim-t': plain('vim', 192),
  'vim-t-fine': { ...plain('vim', 192), stride: 8 },
  'vim-s': plain('vim', 384),
  'vim-s-fine': { ...plain('vim', 384), stride: 8 },
  'vim-b': plain('vim', 768),
  'videomamba-t': plain('videomamba', 192),
  'videomamba-s': plain('videomamba', 384),
  'videomamba-m': { ...plain('videomamba', 576), depth: 32 },
  'mambareg-s': { ...plain('mambareg', 384), registers: 12, registerReduction: 2 },
  'mambareg-b': { ...plain('mambareg', 768), registers: 12, registerReduction: 4 },
  'mambareg-l': { ...plain('mambareg', 1024), depth: 48, registers: 16, registerReduction: 8 },
};

/** Weights are written, converted and read again; of the others names and shapes alone, whose files have gigabytes. */
const WITH_WEIGHTS = ['vim-t', 'videomamba-t', 'dyvm-vim-s', 'mambareg-s'];

function plain(
  architecture: ClassificationManifest['architecture'],
  embedDim: number,
): Partial<ClassificationManifest> {
  const sizes = { embedDim, depth: 24, imageSize: 224, patchSize: 16, stride: 16, dtRank: embedDim / 16 };
  return { architecture, ...sizes, pruningLayers: [], tokenKeep: [], blockSelection: false };
}

function dynamic(
  architecture: ClassificationManifest['architecture'],
  embedDim: number,
): Partial<ClassificationManifest> {
  const tokenKeep = [0.7, 0.7 ** 2, 0.7 ** 3];
  return { ...plain(architecture, embedDim), pruningLayers: [6, 12, 18], tokenKeep, blockSelection: true };
}

function fileOf(model: CatalogueModel) {
  const file = PUBLISHED_FILES[model.name];
  const expected = EXPECTED[model.name];
  assert.ok(file && expected, `what ${model.name} is made of is not stated here`);
  return { file, expected };
}

function assertShape(manifest: object, expected: Partial<ClassificationManifest>): void {
  assert.deepEqual({ ...manifest, ...expected }, manifest);
}

function pathFor(t: TestContext, model: CatalogueModel): string {
  return join(temporaryFolder(t), model.file.name ?? 'best_checkpoint.pth');
}

suite('a file with the keys, shapes and arguments of the published one', () => {
  for (const model of catalogue()) {
    const withWeights = WITH_WEIGHTS.includes(model.name);
    test(`of ${model.name} is recognised where its host names it, and ${withWeights ? 'imported' : 'described'}`, async (t) => {
      const { file, expected } = fileOf(model);
      const path = pathFor(t, model);
      writePublished(path, file, withWeights ? { block: randomBlock() } : {});
      const { app } = testApp(t);
      const found = await app.inspectCheckpoint({ file: path });
      assert.equal(found.known?.name, model.file.name === undefined ? undefined : model.name);
      if (found.known) assert.deepEqual([found.questions, found.suggestedName], [[], model.name]);
      const known = knownImport(model, await inspectCheckpoint(path, new Set()));
      const content = await openCheckpoint(path);
      const described = describeModel(findStateDict(content.root), { name: '', ...known });
      await content.close();
      assertShape(described, expected);
      assert.ok(described.task === 'classification');
      const resize = model.architecture === 'mambareg' ? 224 : 256;
      assert.deepEqual([described.preprocessing.resize, described.preprocessing.crop], [resize, 224]);
      if (!withWeights) return;
      const { manifest } = await app.importModel({ file: path, name: model.name, known: model.name });
      assertShape(manifest, expected);
      assert.deepEqual(manifest.labels[0], { name: 'tench', synset: 'n01440764' });
      assert.equal(manifest.licence, model.licence ?? 'None stated by its makers');
      assert.deepEqual(manifest.published, { model: model.name, ...model.published });
      const { card } = await app.showModel({ model: model.name });
      assert.ok(
        card.includes(`${model.published.top1.toFixed(1)} % of the validation pictures of ImageNet-1K`),
      );
      for (const told of [model.published.source, model.published.citation, model.published.page])
        assert.ok(card.includes(told));
      await app.verifyModel({ model: model.name });
    });
  }

  test('is recognised when a browser has put a number behind its name, not when it holds another model', async (t) => {
    const { app } = testApp(t);
    const folder = temporaryFolder(t);
    const write = (name: string, entry: string) => {
      const { file } = fileOf(catalogueModel(entry));
      writePublished(join(folder, name), file);
      return app.inspectCheckpoint({ file: join(folder, name) });
    };
    const copy = await write('vim_t_midclstok_76p1acc (2).pth', 'vim-t');
    assert.equal(copy.known?.name, 'vim-t');
    assert.equal((await write('vim_s_midclstok_80p5acc.pth', 'vim-t')).known, undefined);
    assert.equal((await write('mine.pth', 'vim-t')).known, undefined);
  });

  test('without arguments is asked nothing, for the catalogue says what it leaves open', async (t) => {
    const path = join(temporaryFolder(t), 'unnamed.pth');
    const model = catalogueModel('dyvm-vim-s');
    writePublished(path, fileOf(model).file, { args: { model: 'mine' } });
    const report = await inspectCheckpoint(path, new Set());
    assert.deepEqual(
      report.questions.map(({ option }) => option),
      ['architecture', 'tokenKeep'],
    );
    const { architecture, tokenKeep, pruningLayers } = knownImport(model, report);
    assert.deepEqual([architecture, tokenKeep, pruningLayers], ['vim', '0.7', undefined]);
  });

  test('of another model is refused where it is said to be this one', async (t) => {
    const { app } = testApp(t);
    const path = join(temporaryFolder(t), 'model.pth');
    writePublished(path, fileOf(catalogueModel('vim-t')).file);
    await assert.rejects(
      app.importModel({ file: path, name: 'dyvm', known: 'dyvm-vim-s' }),
      appError('BAD_ARGUMENT', /has 7,148,008 weights, but DyVM-Vim-S has 26,594,110/),
    );
  });
});
