import assert from 'node:assert/strict';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readManifest, verifyPackage } from '../../../../electron/core/packages/read-package.ts';
import { MANIFEST_KEY } from '../../../../electron/shared/model-package.ts';
import { appError, assertAppError } from '../app-error.ts';
import { mutated, seededRandom } from '../random.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { writeTinyDensePackage, writeTinyPackage } from './tiny-package.ts';

type Json = Record<string, unknown>;

async function tinyPackage(context: TestContext): Promise<string> {
  return (await writeTinyPackage(await temporaryFolder(context), 'tiny')).path;
}

/** Rewrites a package's manifest. */
async function editManifest(path: string, edit: (manifest: Json) => Json): Promise<void> {
  const file = await readFile(path);
  const dataStart = 8 + Number(file.readBigUInt64LE());
  const header = JSON.parse(file.toString('utf8', 8, dataStart)) as { __metadata__: Record<string, string> };
  const manifest = JSON.parse(header.__metadata__[MANIFEST_KEY] ?? '') as Json;
  header.__metadata__[MANIFEST_KEY] = JSON.stringify(edit(manifest));
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  await writeFile(path, Buffer.concat([length, text, file.subarray(dataStart)]));
}

test('a package passes, and its manifest says what the model is', async (context) => {
  const path = await tinyPackage(context);
  const manifest = await readManifest(path);
  assert.deepEqual([manifest.name, manifest.depth, manifest.tokenKeep], ['tiny', 2, [0.5]]);
  assert.deepEqual((await verifyPackage(path)).manifest, manifest);
});

const CONTRADICTIONS: [string, Json, RegExp][] = [
  ['another format', { format: 2 }, /not valid at "format"/],
  ['an unknown field', { extra: 1 }, /not valid/],
  ['an unknown field with a long name', { ['x'.repeat(3000)]: 1 }, /there must be no key "x{79}…$/],
  ['a negative depth', { depth: -1 }, /not valid at "depth"/],
  ['a billion blocks', { depth: 1e9 }, /1000000000 blocks for \d+ tensors/],
  [
    'one block fewer',
    { depth: 1, pruningLayers: [], tokenKeep: [] },
    /layers\.1\.\S+, .* unknown in this kind/,
  ],
  ['one block more', { depth: 3 }, /layers\.2\.mixer\.A_log, .* are missing/],
  ['another width', { embedDim: 16 }, /cls_token must be \[1,1,16\], but is \[1,1,8\]/],
  [
    'another image size',
    { imageSize: 12, preprocessing: { resize: 12, crop: 12, mean: [0, 0, 0], std: [1, 1, 1] } },
    /pos_embed must be \[1,10,8\]/,
  ],
  [
    'a crop of another size',
    { preprocessing: { resize: 9, crop: 9, mean: [0, 0, 0], std: [1, 1, 1] } },
    /pictures of 8 pixels/,
  ],
  ['patches larger than the image', { patchSize: 9 }, /do not fit an image of 8/],
  ['gaps between patches', { stride: 5 }, /do not fit an image/],
  ['no block heads', { blockSelection: false }, /block_head\.bias, .* are unknown/],
  ['a label too few', { labels: [{ name: 'a' }] }, /1 labels for 3 classes/],
  ['no keep ratio', { tokenKeep: [] }, /0 token keep ratios for 1 pruning layers/],
  ['keep ratios that rise', { pruningLayers: [1, 2], tokenKeep: [0.5, 0.6] }, /0\.5, 0\.6 must not rise/],
  ['registers of a Vim', { registers: 2, registerReduction: 2 }, /a vim model must have neither/],
  ['a reduction of a Vim', { registerReduction: 2 }, /a vim model must have neither/],
  ['a MambaReg without registers', { architecture: 'mambareg' }, /a mambareg model must have both/],
  [
    'a reduction that does not divide the width',
    { architecture: 'mambareg', registers: 2, registerReduction: 3 },
    /registerReduction 3 does not divide the width 8/,
  ],
  [
    'the architecture of other tensors',
    { architecture: 'mambareg', registers: 2, registerReduction: 2 },
    /The tensors pos_embed_cls, neck\.weight, norm_neck\.weight are missing/,
  ],
  ['a million registers', { registers: 1e6, registerReduction: 2 }, /not valid at "registers"/],
  ['pruning before the first block', { pruningLayers: [0] }, /must rise/],
  ['pruning behind the last block', { pruningLayers: [2] }, /must rise/],
];

for (const [name, change, message] of CONTRADICTIONS) {
  test(`refuses a manifest with ${name}`, async (context) => {
    const path = await tinyPackage(context);
    await editManifest(path, (manifest) => ({ ...manifest, ...change }));
    await assert.rejects(readManifest(path), appError('BAD_MODEL', message));
  });
}

const HEAD = { taps: [0, 1, 2, 3], width: 3, poolScales: [1, 2, 3, 6], slideStride: 21 };

const DENSE_CONTRADICTIONS: [string, 'segmentation' | 'detection', Json, RegExp][] = [
  [
    'features behind a block that is not there',
    'segmentation',
    { head: { ...HEAD, taps: [0, 1, 2, 4] } },
    /0, 1, 2, 4 .* lie inside 4 blocks/,
  ],
  ['features that go back', 'segmentation', { head: { ...HEAD, taps: [0, 2, 1, 3] } }, /must rise/],
  ['features twice', 'segmentation', { head: { ...HEAD, taps: [0, 1, 1, 3] } }, /must rise/],
  ['three features', 'segmentation', { head: { ...HEAD, taps: [0, 1, 2] } }, /not valid at "head\.taps"/],
  [
    'gaps between windows',
    'segmentation',
    { head: { ...HEAD, slideStride: 33 } },
    /Windows of 32 pixels every 33/,
  ],
  [
    'a head of no known kind',
    'segmentation',
    { head: { kind: 'pyramid', width: 3, slideStride: 21 } },
    /not valid at "head/,
  ],
  [
    'a light head and the tensors of UperNet',
    'segmentation',
    { head: { kind: 'convolutions', width: 3, slideStride: 21 } },
    /head\.\S+ is missing|missing, and .* unknown/,
  ],
  [
    'a light head with features',
    'segmentation',
    { head: { ...HEAD, kind: 'convolutions' } },
    /not valid at "head/,
  ],
  [
    'gaps between windows of a light head',
    'segmentation',
    { head: { kind: 'convolutions', width: 3, slideStride: 33 } },
    /Windows of 32 pixels every 33/,
  ],
  ['an odd grid', 'segmentation', { imageSize: 48 }, /multiple of 32 pixels, but is 48/],
  ['smaller patches', 'segmentation', { patchSize: 8, stride: 8 }, /patches of 16 pixels/],
  ['overlapping patches', 'detection', { stride: 8 }, /16 pixels every 8/],
  ['a width that has no quarter', 'detection', { embedDim: 6 }, /must be a multiple of 4, but is 6/],
  [
    'a wider head',
    'detection',
    { head: { width: 5, boxWidth: 6, stages: 3, boxPerClass: false } },
    /must be \[5,/,
  ],
  [
    'two stages',
    'detection',
    { head: { width: 4, boxWidth: 6, stages: 2, boxPerClass: false } },
    /not valid at "head\.stages"/,
  ],
  [
    'one stage',
    'detection',
    { head: { width: 4, boxWidth: 6, stages: 1, boxPerClass: false } },
    /box_head\.conv1\.weight.* missing, and .*box_head\.0\.conv1.* unknown/,
  ],
  [
    'a label too many',
    'detection',
    { labels: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] },
    /3 labels for 2 classes/,
  ],
  ['registers', 'detection', { registers: 2 }, /not valid/],
  [
    'the task of other tensors',
    'segmentation',
    { task: 'detection', head: { width: 4, boxWidth: 6, stages: 3, boxPerClass: false } },
    /missing, and .* unknown/,
  ],
];

for (const [name, task, change, message] of DENSE_CONTRADICTIONS) {
  test(`refuses the manifest of a ${task} model with ${name}`, async (context) => {
    const { path } = await writeTinyDensePackage(await temporaryFolder(context), task);
    await editManifest(path, (manifest) => ({ ...manifest, ...change }));
    await assert.rejects(readManifest(path), appError('BAD_MODEL', message));
  });
}

const ONE_STAGE = new URL('../../../golden/one-stage-random/package.safetensors', import.meta.url);
const ONE_STAGE_CONTRADICTIONS: [string, Json, RegExp][] = [
  ['an unknown kind', { head: { kind: 'two-stage', width: 16, layers: 2 } }, /not valid at "head\.kind"/],
  ['no layers', { head: { kind: 'one-stage', width: 16, layers: 0 } }, /not valid at "head\.layers"/],
  [
    'fields of Mask R-CNN',
    { head: { kind: 'one-stage', width: 16, layers: 2, boxWidth: 8 } },
    /not valid at "head"/,
  ],
  [
    'masks of an odd width',
    { head: { kind: 'one-stage', width: 15, layers: 2, prototypes: 6 } },
    /an even number of channels, but has 15/,
  ],
  [
    'boxes alone, for tensors of masks',
    { head: { kind: 'one-stage', width: 16, layers: 2 } },
    /prototypes\.out\.weight.* unknown/,
  ],
  [
    'patches of another size',
    { patchSize: 2, stride: 2 },
    /patches of 4, 8, 16 pixels side by side, but has 2/,
  ],
  ['overlapping patches', { stride: 4 }, /but has 8 pixels every 4/],
  ['a size of half a patch too much', { imageSize: 72 }, /multiple of 32 pixels, but is 72/],
];

test('reads the manifest of a detector in one stage, whose patches may be small', async () => {
  const manifest = await readManifest(fileURLToPath(ONE_STAGE));
  assert.ok(manifest.task === 'detection');
  assert.deepEqual([manifest.patchSize, manifest.head.kind], [8, 'one-stage']);
});

for (const [name, change, message] of ONE_STAGE_CONTRADICTIONS) {
  test(`refuses the manifest of a detector in one stage with ${name}`, async (context) => {
    const path = join(await temporaryFolder(context), 'changed.safetensors');
    await copyFile(ONE_STAGE, path);
    await editManifest(path, (manifest) => ({ ...manifest, ...change }));
    await assert.rejects(readManifest(path), appError('BAD_MODEL', message));
  });
}

test('refuses a safetensors file without a manifest, and one whose manifest is no JSON', async (context) => {
  const path = join(await temporaryFolder(context), 'other.safetensors');
  const write = (text: string): Promise<void> => {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    return writeFile(path, Buffer.concat([length, Buffer.from(text)]));
  };
  await write('{}');
  await assert.rejects(readManifest(path), appError('BAD_MODEL', /not a model package/));
  await write(JSON.stringify({ __metadata__: { [MANIFEST_KEY]: '{' } }));
  await assert.rejects(readManifest(path), appError('BAD_MODEL', /manifest is not JSON/));
  await assert.rejects(readManifest(`${path}.none`), appError('NOT_FOUND', /cannot be opened/));
});

test('verify finds a changed byte and a value that is not finite', async (context) => {
  const path = await tinyPackage(context);
  const file = await readFile(path);
  const last = file.length - 4;
  file.writeFloatLE(1.5, last);
  await writeFile(path, file);
  await assert.rejects(verifyPackage(path), appError('BAD_MODEL', /differ from the hash/));
  assert.equal((await readManifest(path)).name, 'tiny');
  file.writeFloatLE(Infinity, last);
  await writeFile(path, file);
  await assert.rejects(
    verifyPackage(path),
    appError('BAD_MODEL', /The tensor score_predictors\.\S+ holds a value/),
  );
});

test('truncated anywhere, a package is refused in one sentence', async (context) => {
  const path = await tinyPackage(context);
  const file = await readFile(path);
  for (let length = 0; length < file.length; length += 1 + Math.floor(file.length / 151)) {
    await writeFile(path, file.subarray(0, length));
    await assert.rejects(readManifest(path), appError('BAD_MODEL', /./));
  }
});

test('a package with random bytes in its header is read or refused in one sentence', async (context) => {
  const path = await tinyPackage(context);
  const file = await readFile(path);
  const dataStart = 8 + Number(file.readBigUInt64LE());
  const random = seededRandom(7);
  let refused = 0;
  for (let round = 0; round < 500; round++) {
    const header = mutated(file.subarray(0, dataStart), 1 + random(3), random);
    await writeFile(path, Buffer.concat([header, file.subarray(dataStart)]));
    try {
      await verifyPackage(path);
    } catch (error) {
      assertAppError(error, ['BAD_MODEL']);
      refused += 1;
    }
  }
  assert.ok(refused > 300, `only ${refused} of 500 damaged headers were refused`);
});
