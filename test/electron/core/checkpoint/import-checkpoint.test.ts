import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { importCheckpoint } from '../../../../electron/core/checkpoint/import-checkpoint.ts';
import { verifyPackage } from '../../../../electron/core/packages/read-package.ts';
import type {
  DetectionManifest,
  Label,
  Manifest,
  SegmentationManifest,
} from '../../../../electron/shared/model-package.ts';
import { appError } from '../app-error.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { golden, importBytes, tiny, withTensor, type Given } from './import-bytes.ts';
import { dynamicModel, plainModel, renamed, TINY_ARGS, trainingCheckpoint } from './tiny-model.ts';
import { Arguments, OrderedDict, saveLegacy, saveZip, type Source } from './torch-save.ts';

const root = new URL('../../../../', import.meta.url);

/** A checkpoint of the test data that lies beside the repository on some machines. */
function sharedCheckpoint(name: string): { checkpointPath: string; skip: string | false } {
  const checkpointPath = fileURLToPath(new URL(`../shared/golden/${name}/checkpoint.pth`, root));
  return {
    checkpointPath,
    skip: existsSync(checkpointPath) ? false : `${checkpointPath} is not on this machine`,
  };
}

interface Golden {
  name: string;
  pruningLayers: number[];
  manifest: Partial<Manifest>;
  /** SHA-256 of the tensor bytes by name, computed with Python's zipfile and pickle from the same file. */
  dataSha256: string;
}

const GOLDENS: Golden[] = [
  {
    name: 'dyvm-vim-odd-random',
    pruningLayers: [2, 3, 5],
    manifest: {
      architecture: 'vim',
      imageSize: 96,
      patchSize: 8,
      stride: 8,
      embedDim: 48,
      depth: 6,
      stateDim: 16,
      convWidth: 4,
      dtRank: 3,
      classes: 7,
      blockSelection: true,
      pruningLayers: [2, 3, 5],
      blockKeep: 0.8,
      tokenKeep: [0.7, 0.48999999999999994, 0.3429999999999999],
    },
    dataSha256: '14197e8054b7bd3d81423f6e122d93cf3721332169c451f65ae41b56b4b6cca7',
  },
  {
    name: 'dyvm-videomamba-small-random',
    pruningLayers: [3, 6, 9],
    manifest: {
      architecture: 'videomamba',
      imageSize: 224,
      patchSize: 16,
      stride: 16,
      embedDim: 96,
      depth: 12,
      dtRank: 6,
      classes: 100,
      blockSelection: true,
      tokenKeep: [0.9, 0.81, 0.7290000000000001],
    },
    dataSha256: 'b53b318fab0aa21fd7669c42fefa9e795751a1890809fc0732beb7eb6350ea54',
  },
  {
    name: 'vim-micro-cifar10',
    pruningLayers: [],
    manifest: {
      architecture: 'vim',
      imageSize: 32,
      patchSize: 4,
      stride: 4,
      embedDim: 96,
      depth: 8,
      classes: 10,
      blockSelection: false,
      pruningLayers: [],
      tokenKeep: [],
    },
    dataSha256: '96253622ae717e7ce7ea58e7aaf80e3ddc2889dfe480f17997ed9d8eb1d2d156',
  },
];

const MAMBAREG_SHA256 = '8791077d8d2cd7cd593ab7e9f5bb784fb4340327b776ea2bd4b17941bc53206a';

for (const { name, pruningLayers, manifest, dataSha256 } of GOLDENS) {
  test(`imports ${name} as the original training code wrote it`, async (context) => {
    const modelsFolder = await temporaryFolder(context);
    const model = await importCheckpoint({ checkpointPath: golden(name), name, modelsFolder, pruningLayers });
    assert.deepEqual({ ...model.manifest, ...manifest }, model.manifest);
    assert.equal(model.manifest.dataSha256, dataSha256);
    assert.deepEqual(await verifyPackage(model.path), { manifest: model.manifest, bytes: model.bytes });
    assert.deepEqual(await readdir(modelsFolder), [`${name}.safetensors`]);
  });
}

test('imports dyvm-mambareg-random, and asks nothing of it but its layers', async (context) => {
  const name = 'dyvm-mambareg-random';
  const modelsFolder = await temporaryFolder(context);
  const given = { checkpointPath: golden(name), name, modelsFolder };
  await assert.rejects(importCheckpoint(given), appError('BAD_CHECKPOINT', /before which of its 12 blocks/));
  const { manifest, path } = await importCheckpoint({ ...given, pruningLayers: [3, 6, 9] });
  assert.ok(manifest.task === 'classification');
  const { architecture, registers, registerReduction, embedDim, classes, tokenKeep } = manifest;
  assert.deepEqual(
    { architecture, registers, registerReduction, embedDim, classes, tokenKeep },
    {
      architecture: 'mambareg',
      registers: 12,
      registerReduction: 2,
      embedDim: 96,
      classes: 50,
      tokenKeep: [0.9, 0.81, 0.7290000000000001],
    },
  );
  assert.equal(manifest.dataSha256, MAMBAREG_SHA256);
  assert.deepEqual((await verifyPackage(path)).manifest, manifest);
});

const SHARED_GOLDENS: [string, string][] = [
  ['vim-plain-random', 'e6f3f9635cf66cf4a5196b760bb4261dd8140087902a3a9626df47c8c0ca9bca'],
  ['dyvm-vim-tiny-random', 'af4ec2e9b0e5846390686b4e3015fd0c2c00cd49a66db3c609646ed9686c7813'],
];

for (const [name, dataSha256] of SHARED_GOLDENS) {
  const { checkpointPath, skip } = sharedCheckpoint(name);
  test(`imports ${name}, whose layers and labels are the original's`, { skip }, async (context) => {
    const modelsFolder = await temporaryFolder(context);
    const { manifest } = await importCheckpoint({ checkpointPath, name, modelsFolder });
    assert.equal(manifest.dataSha256, dataSha256);
    assert.deepEqual(manifest.pruningLayers, name.startsWith('dyvm') ? [6, 12, 18] : []);
    assert.deepEqual(manifest.labels[281], { name: 'tabby', synset: 'n02123045' });
  });
}

interface DenseGolden {
  name: string;
  given: Given;
  /** What the checkpoint leaves open. */
  missing: RegExp;
  manifest: Partial<SegmentationManifest> | Partial<DetectionManifest>;
  label: Label;
  /** As above; without tables of rotations, the auxiliary head and counts of batches. */
  dataSha256: string;
}

const DENSE_GOLDENS: DenseGolden[] = [
  {
    name: 'dyvm-seg-upernet-random',
    given: { tokenKeep: '0.8' },
    missing: /does not record its token keep ratio/,
    manifest: {
      task: 'segmentation',
      imageSize: 512,
      patchSize: 16,
      stride: 16,
      embedDim: 48,
      depth: 24,
      classes: 150,
      blockSelection: true,
      pruningLayers: [6, 12, 18],
      tokenKeep: [0.8, 0.6400000000000001, 0.5120000000000001],
      halveDirections: true,
      rotary: false,
      head: { taps: [5, 11, 17, 23], width: 48, poolScales: [1, 2, 3, 6], slideStride: 341 },
    },
    label: { name: 'bed', colour: '#cc05ff' },
    dataSha256: '62bea117464c97338bbb6737721c1dbfb2e5914f482b021295fbb6b4fe7577af',
  },
  {
    name: 'vim-det-cascade-random',
    given: { halveDirections: true },
    missing: /whether a block halves the sum/,
    manifest: {
      task: 'detection',
      imageSize: 512,
      embedDim: 48,
      depth: 6,
      classes: 80,
      blockSelection: false,
      pruningLayers: [],
      tokenKeep: [],
      halveDirections: true,
      rotary: true,
      head: { width: 64, boxWidth: 128, stages: 3, boxPerClass: false },
    },
    label: { name: 'train', id: 7 },
    dataSha256: 'd2e4014a5b149723bdaa92401211df5f63c7de3639d61fd22d8750920a05cde7',
  },
  {
    name: 'vim-det-plain-random',
    given: { halveDirections: false },
    missing: /whether a block halves the sum/,
    manifest: {
      task: 'detection',
      imageSize: 384,
      embedDim: 32,
      depth: 4,
      halveDirections: false,
      rotary: true,
      head: { width: 48, boxWidth: 96, stages: 1, boxPerClass: true },
    },
    label: { name: 'train', id: 7 },
    dataSha256: '429481e38748fc83c714d433c16775997b1a0fc0d611e016aac29a7e8400c601',
  },
];

for (const { name, given, missing, manifest, label, dataSha256 } of DENSE_GOLDENS) {
  const { checkpointPath, skip } = existsSync(golden(name))
    ? { checkpointPath: golden(name), skip: false }
    : sharedCheckpoint(name);
  test(`imports ${name}, and asks only what the weights do not tell`, { skip }, async (context) => {
    const modelsFolder = await temporaryFolder(context);
    const file = { checkpointPath, name, modelsFolder };
    await assert.rejects(importCheckpoint(file), appError('BAD_CHECKPOINT', missing));
    const model = await importCheckpoint({ ...file, ...given });
    assert.deepEqual({ ...model.manifest, ...manifest }, model.manifest);
    assert.deepEqual(model.manifest.labels[label.id === undefined ? 7 : 6], label);
    assert.equal(model.manifest.dataSha256, dataSha256);
    assert.deepEqual((await verifyPackage(model.path)).manifest, model.manifest);
  });
}

const everyday = sharedCheckpoint('dyvm-vim-micro-cifar10');

test('the everyday10 of the tests is what its checkpoint gives', { skip: everyday.skip }, async (context) => {
  const { path, manifest } = await importCheckpoint({
    checkpointPath: everyday.checkpointPath,
    name: 'everyday10',
    modelsFolder: await temporaryFolder(context),
    pruningLayers: [2, 4, 6],
    licence: 'Apache-2.0',
  });
  // Computed with Python's zipfile and pickle from the checkpoint.
  assert.equal(manifest.dataSha256, '01ab6d391b0ab56158c6e3f69464bd93afa389497c208948ad5ce2a85e9f4688');
  const kept = await readFile(new URL('test/models/everyday10.safetensors', root));
  assert.ok(kept.equals(await readFile(path)));
});

test('the same file twice gives the same bytes', async (context) => {
  const [first, second] = await Promise.all([importBytes(context, tiny()), importBytes(context, tiny())]);
  assert.ok((await readFile(first.path)).equals(await readFile(second.path)));
});

test('zip and legacy format, wrapped or bare, parallel or not, give the same tensors', async (context) => {
  const args = new Arguments(TINY_ARGS);
  const parallel = renamed(dynamicModel(), (name) => `module.${name}`);
  const told: Given = { architecture: 'vim', tokenKeep: '0.5' };
  const variants: [Uint8Array, string, Given][] = [
    [tiny(), 'model', {}],
    [saveLegacy(trainingCheckpoint(dynamicModel(), [['args', args]])), 'model', {}],
    [saveZip(trainingCheckpoint(parallel, [['args', args]])), 'model', {}],
    [
      saveZip(
        new Map<string, Source>([
          ['model_ema', dynamicModel()],
          ['args', args],
        ]),
      ),
      'model_ema',
      {},
    ],
    [
      saveZip(
        new Map<string, Source>([
          ['state_dict_ema', dynamicModel()],
          ['state_dict', plainModel()],
        ]),
      ),
      'state_dict_ema',
      told,
    ],
    [
      saveZip(
        new Map<string, Source>([
          ['state_dict', new OrderedDict(parallel)],
          ['epoch', 3],
        ]),
      ),
      'state_dict',
      told,
    ],
    [saveZip(dynamicModel()), 'state_dict', told],
    [saveLegacy(new OrderedDict(dynamicModel())), 'state_dict', told],
  ];
  const hashes = new Set<string>();
  for (const [file, weights, given] of variants) {
    const { manifest } = await importBytes(context, file, given);
    assert.equal(manifest.provenance.weights, weights);
    hashes.add(manifest.dataSha256);
  }
  assert.equal(hashes.size, 1);
});

test('half-precision tensors keep their type and lie behind the wider ones', async (context) => {
  const half = { key: 'half', data: Uint8Array.of(0, 0x3c, 1, 0x3c, 2, 0x3c), shape: [3], elements: 3 };
  const model = withTensor('head.bias', { ...half, storageType: 'torch BFloat16Storage' });
  const { path } = await importBytes(context, tiny(model));
  const file = await readFile(path);
  assert.deepEqual([...file.subarray(-6)], [0, 0x3c, 1, 0x3c, 2, 0x3c]);
  assert.match(file.toString('latin1'), /"head\.bias":\{"dtype":"BF16","shape":\[3\]/);
  await verifyPackage(path);
});

test('provenance records where the weights came from', async (context) => {
  const { manifest } = await importBytes(context, tiny(), { licence: 'MIT' });
  assert.equal(manifest.provenance.file, 'checkpoint.pth');
  assert.equal(manifest.provenance.epoch, 29);
  assert.deepEqual(manifest.provenance.training, TINY_ARGS);
  assert.equal(manifest.licence, 'MIT');
});
