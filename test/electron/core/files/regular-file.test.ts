import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { loadAddon } from '../../../../electron/engine/addon.ts';
import { readPreprocessing } from '../../../../electron/engine/pictures/read-preprocessing.ts';
import { foundRun } from '../../support/found-run.ts';
import { testApp } from '../../support/test-app.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { dynamicModel, TINY_ARGS, trainingCheckpoint } from '../checkpoint/tiny-model.ts';
import { Arguments, saveZip } from '../checkpoint/torch-save.ts';
import { writeTinyPackage } from '../packages/tiny-package.ts';

const onWindows = process.platform === 'win32' && 'has no pipes among its files';

suite('a file that a person names', () => {
  test('is no pipe, which would be waited for', { skip: onWindows }, async (t) => {
    const { app } = testApp(t);
    const file = join(temporaryFolder(t), 'pipe.safetensors');
    execFileSync('mkfifo', [file]);
    const refused = {
      code: 'BAD_ARGUMENT',
      message: /^Expected a .* file, but .*pipe\.safetensors is a pipe or device$/,
    };
    await assert.rejects(app.importModel({ file, name: 'mine' }), refused);
    await assert.rejects(app.inspectCheckpoint({ file }), refused);
    await assert.rejects(app.showModel({ model: file }), refused);
    await assert.rejects(app.verifyModel({ model: file }), refused);
  });

  test('is no pipe: labels of an import, and notes beside a package', { skip: onWindows }, async (t) => {
    const { app, libraryPath } = testApp(t);
    const folder = temporaryFolder(t);
    const [labels, checkpoint] = [join(folder, 'labels.txt'), join(folder, 'tiny.pth')];
    writeFileSync(
      checkpoint,
      saveZip(trainingCheckpoint(dynamicModel(), [['args', new Arguments(TINY_ARGS)]])),
    );
    execFileSync('mkfifo', [labels]);
    await assert.rejects(app.importModel({ file: checkpoint, name: 'mine', labels, pruningLayers: [1] }), {
      code: 'BAD_ARGUMENT',
      message: `Expected a labels file, but ${labels} is a pipe or device`,
    });
    const models = join(dirname(libraryPath), 'models');
    mkdirSync(models, { recursive: true });
    await writeTinyPackage(models, 'noted');
    const notes = join(models, 'noted.md');
    execFileSync('mkfifo', [notes]);
    await assert.rejects(app.showModel({ model: 'noted' }), {
      code: 'BAD_ARGUMENT',
      message: `Expected a notes file, but ${notes} is a pipe or device`,
    });
  });

  test('is no pipe: annotations and class maps of an evaluation', { skip: onWindows }, async (t) => {
    const boxes = await foundRun(t, 'detection', [{ name: 'fox' }], { 'in/1.jpg': { detections: [] } });
    const truth = join(boxes.root, 'truth.json');
    execFileSync('mkfifo', [truth]);
    await assert.rejects(boxes.app.evaluateFound({ runId: boxes.runId, truth }), {
      code: 'BAD_ARGUMENT',
      message: `Expected a COCO file, but ${truth} is a pipe or device`,
    });
    const maps = await foundRun(t, 'segmentation', [{ name: 'sky' }], { 'in/1.jpg': { regions: [] } });
    const folder = join(maps.root, 'maps');
    mkdirSync(folder);
    execFileSync('mkfifo', [join(folder, '1.png')]);
    await assert.rejects(maps.app.evaluateFound({ runId: maps.runId, truth: folder }), {
      code: 'BAD_ARGUMENT',
      message: /such as 1\.png: Expected a class map file, but .*1\.png is a pipe or device$/,
    });
  });

  test('is no pipe where the engine reads a package', { skip: onWindows }, async (t) => {
    const file = join(temporaryFolder(t), 'pipe.safetensors');
    execFileSync('mkfifo', [file]);
    const message = `Expected a model package file, but ${file} is a pipe, device or folder`;
    await assert.rejects(readPreprocessing(file), { code: 'BAD_MODEL', message });
    await assert.rejects(loadAddon().loadModel(file, { device: 'cpu', threads: 1, precision: 'fp32' }), {
      code: 'BAD_MODEL',
      message: `Expected a model package at ${file}, but it cannot be read: it is not a regular file.`,
    });
  });

  test('has no null character in its path', async (t) => {
    const { app } = testApp(t);
    const refused = {
      code: 'BAD_ARGUMENT',
      message: /^A (path|model name) must not contain a null character/,
    };
    await assert.rejects(app.inspectCheckpoint({ file: 'a\0b' }), refused);
    await assert.rejects(app.showModel({ model: 'a\0b' }), refused);
    await assert.rejects(app.browse({ path: 'a\0b' }), refused);
    await assert.rejects(app.exportRun({ runId: 1, format: 'csv', out: '/tmp/a\0b' }), refused);
    await assert.rejects(app.restoreLibrary({ file: 'a\0b' }), refused);
  });
});
