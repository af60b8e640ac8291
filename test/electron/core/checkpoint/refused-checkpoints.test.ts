import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { importCheckpoint } from '../../../../electron/core/checkpoint/import-checkpoint.ts';
import { verifyPackage } from '../../../../electron/core/packages/read-package.ts';
import { appError, assertAppError } from '../app-error.ts';
import { mutated, seededRandom } from '../random.ts';
import { golden, importBytes, tiny, withTensor } from './import-bytes.ts';
import { dynamicModel, floats, registerModel, renamed, TINY_ARGS, trainingCheckpoint } from './tiny-model.ts';
import { Arguments, saveLegacy, saveZip, TorchTensor, type Source } from './torch-save.ts';
import { codeOf } from '../../../../electron/shared/errors.ts';

const nan = floats(24, 0);
new DataView(nan.buffer).setFloat32(20, NaN, true);
const infinite = floats(24, 0);
new DataView(infinite.buffer).setFloat32(92, -Infinity, true);

function without(name: string, model = dynamicModel()): Map<string, Source> {
  assert.ok(model.delete(name));
  return model;
}

const REFUSED: [string, Map<string, Source>, RegExp][] = [
  [
    'NaN',
    withTensor('head.weight', { key: 'x', data: nan, shape: [3, 8] }),
    /head\.weight holds a value that is not finite/,
  ],
  [
    'infinity',
    withTensor('head.weight', { key: 'x', data: infinite, shape: [3, 8] }),
    /head\.weight holds a value that is not finite/,
  ],
  ['a missing tensor', without('layers.1.mixer.D_b'), /layers\.1\.mixer\.D_b is missing/],
  ['a missing first tensor', without('patch_embed.proj.weight'), /no tensor patch_embed\.proj\.weight/],
  [
    'an extra tensor',
    withTensor('rope.freqs_cos', { key: 'x', data: floats(4, 0), shape: [4] }),
    /rope\.freqs_cos is unknown in this kind of model/,
  ],
  [
    'a wrong shape',
    withTensor('layers.1.norm.weight', { key: 'x', data: floats(9, 0), shape: [9] }),
    /layers\.1\.norm\.weight must be \[8\], but is \[9\]/,
  ],
  [
    'a wrong number of axes',
    withTensor('head.weight', { key: 'x', data: floats(24, 0), shape: [24] }),
    /head\.weight must have 2 axes/,
  ],
  [
    'a gap in the blocks',
    renamed(dynamicModel(), (name) => name.replace('layers.1.', 'layers.7.')),
    /layers\.1\.mixer\.A_log, .* missing, and the tensors layers\.7\..* unknown/,
  ],
  [
    'a huge block number',
    renamed(dynamicModel(), (name) => name.replace('layers.1.', 'layers.999999999.')),
    /layers\.1\.mixer\.A_log, .* missing, and/,
  ],
  [
    'patches that form no square',
    withTensor('pos_embed', { key: 'x', data: floats(48, 0), shape: [1, 6, 8] }),
    /5 patch positions, which do not form a square/,
  ],
  [
    '64-bit weights',
    withTensor('head.weight', {
      key: 'x',
      data: new Uint8Array(192),
      shape: [3, 8],
      elements: 24,
      storageType: 'torch DoubleStorage',
    }),
    /head\.weight has elements of type F64/,
  ],
  [
    'a MambaReg without a neck',
    without('neck.weight', registerModel()),
    /is a MambaReg model without a neck/,
  ],
  [
    'a MambaReg whose neck does not divide its width',
    registerModel().set('neck.weight', new TorchTensor({ key: 'x', data: floats(24, 0), shape: [3, 8] })),
    /neck\.weight gives 3 values, which do not divide the width 8/,
  ],
  [
    'a MambaReg whose neck and head differ',
    registerModel().set('neck.weight', new TorchTensor({ key: 'x', data: floats(16, 0), shape: [2, 8] })),
    /norm_neck\.weight must be \[4\], but is \[8\]/,
  ],
  ['a MambaReg without its registers', without('cls_token', registerModel()), /no tensor cls_token/],
  [
    'a MambaReg without the norm of its neck',
    without('norm_neck.weight', registerModel()),
    /norm_neck\.weight is missing/,
  ],
  [
    'a number among the weights',
    dynamicModel().set('head.scale', 3),
    /head\.scale of the weights is not a tensor/,
  ],
];

for (const [name, model, message] of REFUSED) {
  test(`refuses ${name} and writes nothing`, async (context) => {
    await assert.rejects(importBytes(context, tiny(model)), appError('BAD_CHECKPOINT', message));
  });
}

test('refuses a checkpoint without weights', async (context) => {
  for (const value of [3, new Map([['epoch', 3]]), new Map([['model', new Map([['a', 1]])]])]) {
    await assert.rejects(
      importBytes(context, saveZip(value)),
      appError('BAD_CHECKPOINT', /no weights|not hold a dictionary/),
    );
  }
});

test('refuses a name that is taken or no file name', async (context) => {
  const { path } = await importBytes(context, tiny());
  const again = { checkpointPath: golden('vim-micro-cifar10'), name: 'tiny', modelsFolder: join(path, '..') };
  await assert.rejects(importCheckpoint(again), appError('BAD_ARGUMENT', /There is a model tiny already/));
  for (const name of [
    '',
    '../up',
    'a/b',
    'a\\b',
    '.hidden',
    'con',
    'NUL.x',
    'x'.repeat(65),
    'line\nbreak',
    'dot.',
  ]) {
    await assert.rejects(importCheckpoint({ ...again, name }), (error) => {
      assert.equal(codeOf(error), 'BAD_ARGUMENT', name);
      return true;
    });
  }
});

for (const [format, save] of Object.entries({ zip: saveZip, legacy: saveLegacy })) {
  const file = save(trainingCheckpoint(dynamicModel(), [['args', new Arguments(TINY_ARGS)]]));

  test(`${format}: truncated anywhere, it is refused in one sentence`, async (context) => {
    for (let length = 0; length < file.length; length += 1 + Math.floor(file.length / 97)) {
      await assert.rejects(importBytes(context, file.subarray(0, length)), appError('BAD_CHECKPOINT', /./));
    }
  });

  test(`${format}: with random bytes it is imported whole or refused in one sentence`, async (context) => {
    const random = seededRandom(format.length);
    let refused = 0;
    for (let round = 0; round < 200; round++) {
      try {
        const { path } = await importBytes(context, mutated(file, 1 + random(8), random));
        await verifyPackage(path);
      } catch (error) {
        assertAppError(error, ['BAD_CHECKPOINT']);
        refused += 1;
      }
    }
    assert.ok(refused > 20, `only ${refused} of 200 damaged files were refused`);
  });
}
