import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { importCheckpoint } from '../../../../electron/core/checkpoint/import-checkpoint.ts';
import { inspectCheckpoint } from '../../../../electron/core/checkpoint/inspect-checkpoint.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { dynamicModel, plainModel, registerModel, TINY_ARGS, trainingCheckpoint } from './tiny-model.ts';
import { Arguments, saveZip, type Source } from './torch-save.ts';

/** A checkpoint on disk, and where a package of it would go. */
async function checkpoint(
  t: TestContext,
  model: Map<string, Source>,
  args?: Record<string, Source>,
): Promise<{ path: string; modelsFolder: string }> {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'My best model (v2).pth');
  const rest: [string, Source][] = args === undefined ? [] : [['args', new Arguments(args)]];
  await writeFile(path, saveZip(trainingCheckpoint(model, rest)));
  return { path, modelsFolder: join(folder, 'models') };
}

suite('inspecting a checkpoint', () => {
  test('tells what it is and asks what it leaves open', async (t) => {
    const { path } = await checkpoint(t, dynamicModel());
    const report = await inspectCheckpoint(path, new Set());
    assert.deepEqual([report.suggestedName, report.classes], ['My-best-model-v2', 3]);
    assert.equal(
      report.summary,
      'DyVM-Vim or VideoMamba: width 8, 2 blocks, 8 x 8 pixels, 3 classes; 1 pruning stage.',
    );
    assert.deepEqual(
      report.questions.map(({ option }) => option),
      ['architecture', 'tokenKeep', 'pruningLayers', 'labels'],
    );
    for (const { question } of report.questions) assert.match(question, /^The checkpoint .*\.$/);
  });

  test('asks nothing that it answers, and the import asks no more than that', async (t) => {
    const { path, modelsFolder } = await checkpoint(t, dynamicModel(), TINY_ARGS);
    const report = await inspectCheckpoint(path, new Set(['My-best-model-v2', 'My-best-model-v2-2']));
    assert.deepEqual(
      [report.suggestedName, report.questions.map(({ option }) => option)],
      ['My-best-model-v2-3', ['pruningLayers', 'labels']],
    );
    assert.match(report.summary, /^DyVM-Vim: .*; 1 pruning stage, trained keep ratios 0\.500\.$/);
    const name = report.suggestedName;
    const model = await importCheckpoint({ checkpointPath: path, name, modelsFolder, pruningLayers: [1] });
    assert.equal(model.manifest.classes, report.classes);
  });

  test('of MambaReg asks for no architecture', async (t) => {
    const { path } = await checkpoint(t, registerModel());
    const report = await inspectCheckpoint(path, new Set());
    assert.match(report.summary, /^DyVM-MambaReg: .* 3 classes, 2 registers; 1 pruning stage\.$/);
    assert.deepEqual(
      report.questions.map(({ option }) => option),
      ['tokenKeep', 'pruningLayers', 'labels'],
    );
  });

  test('of a model that does not prune asks for no ratio', async (t) => {
    const { path } = await checkpoint(t, plainModel());
    const report = await inspectCheckpoint(path, new Set());
    assert.match(report.summary, /^Vim or VideoMamba: .*; no pruning of patches\.$/);
    assert.deepEqual(
      report.questions.map(({ option }) => option),
      ['architecture', 'labels'],
    );
  });

  test('refuses what the import would refuse', async (t) => {
    const model = dynamicModel();
    model.delete('layers.1.mixer.in_proj.weight');
    const { path } = await checkpoint(t, model, TINY_ARGS);
    await assert.rejects(inspectCheckpoint(path, new Set()), { code: 'BAD_CHECKPOINT' });
    await assert.rejects(inspectCheckpoint(`${path}.not`, new Set()), { code: 'NOT_FOUND' });
    await writeFile(path, 'text');
    await assert.rejects(inspectCheckpoint(path, new Set()), { code: 'BAD_CHECKPOINT' });
  });
});
