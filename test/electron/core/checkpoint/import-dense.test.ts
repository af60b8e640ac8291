import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import {
  importCheckpoint,
  type ImportOptions,
} from '../../../../electron/core/checkpoint/import-checkpoint.ts';
import { inspectCheckpoint } from '../../../../electron/core/checkpoint/inspect-checkpoint.ts';
import { modelCard } from '../../../../electron/core/registry/model-card.ts';
import { verifyPackage } from '../../../../electron/core/packages/read-package.ts';
import type { ModelPackage } from '../../../../electron/shared/model-package.ts';
import { appError, assertAppError } from '../app-error.ts';
import { mutated, seededRandom } from '../random.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import {
  detectionCheckpoint,
  detectorShape,
  dynamicModel,
  floats,
  modelOf,
  renamed,
  rotaryTables,
  segmentationCheckpoint,
  segmenterShape,
  TINY_ARGS,
  trainingCheckpoint,
} from './tiny-model.ts';
import { Arguments, saveLegacy, saveZip, TorchTensor, type Source } from './torch-save.ts';

type Given = Partial<Omit<ImportOptions, 'modelsFolder'>>;

const PRUNED: Given = { tokenKeep: '0.5', pruningLayers: [1] };
const HALVED: Given = { halveDirections: true };

async function written(context: TestContext, root: Source, save = saveZip): Promise<string> {
  const path = join(await temporaryFolder(context), 'checkpoint.pth');
  await writeFile(path, save(root));
  return path;
}

/** Imports what torch.save got; makes sure that a refusal leaves nothing behind. */
async function importRoot(
  context: TestContext,
  root: Source,
  given: Given,
  save = saveZip,
): Promise<ModelPackage> {
  const checkpointPath = await written(context, root, save);
  const modelsFolder = join(checkpointPath, '../models');
  try {
    return await importCheckpoint({ checkpointPath, name: 'tiny', modelsFolder, ...given });
  } catch (error) {
    assert.deepEqual(
      existsSync(modelsFolder) ? await readdir(modelsFolder) : [],
      [],
      'something was written',
    );
    throw error;
  }
}

/** A tensor of small numbers. */
function tensor(...shape: number[]): TorchTensor {
  return new TorchTensor({
    key: 'x',
    data: floats(
      shape.reduce((a, b) => a * b, 1),
      0,
    ),
    shape,
  });
}

suite('importing a segmentation model', () => {
  test('takes what predicting needs, and the sizes from the tensors', async (context) => {
    const { manifest, path } = await importRoot(context, segmentationCheckpoint(), PRUNED);
    assert.ok(manifest.task === 'segmentation');
    const { head, halveDirections, rotary, imageSize, classes, blockSelection } = manifest;
    assert.deepEqual(
      { head, halveDirections, rotary, imageSize, classes, blockSelection },
      {
        head: { taps: [0, 1, 2, 3], width: 3, poolScales: [1, 2, 3, 6], slideStride: 21 },
        halveDirections: true,
        rotary: false,
        imageSize: 32,
        classes: 5,
        blockSelection: true,
      },
    );
    const { weights, epoch, training } = manifest.provenance;
    assert.deepEqual(
      { weights, epoch, training },
      { weights: 'state_dict', epoch: 7, training: { iter: 80_000 } },
    );
    assert.deepEqual((await verifyPackage(path)).manifest, manifest);
  });

  test('is the same from a flat dictionary, a parallel one and the older format', async (context) => {
    const model = modelOf(segmenterShape());
    const parallel = renamed(model, (name) => `module.${name}`);
    const hashes = [
      await importRoot(context, segmentationCheckpoint(model), PRUNED),
      await importRoot(context, segmentationCheckpoint(parallel), PRUNED),
      await importRoot(context, model, PRUNED),
      await importRoot(context, parallel, PRUNED, saveLegacy),
    ].map(({ manifest }) => manifest.dataSha256);
    assert.equal(new Set(hashes).size, 1);
  });

  test('names the classes as the checkpoint does, with its colours', async (context) => {
    const meta: [string, Source][] = [
      ['CLASSES', ['wall', 'bed ', 'sky', 'sea', 'lamp']],
      [
        'PALETTE',
        [
          [120, 120, 120],
          [204, 5, 255],
          [0, 300, 0],
          [1, 2],
          [0, 0, 9],
        ],
      ],
    ];
    const { manifest } = await importRoot(context, segmentationCheckpoint(undefined, meta), PRUNED);
    assert.deepEqual(manifest.labels, [
      { name: 'wall', colour: '#787878' },
      { name: 'bed', colour: '#cc05ff' },
      { name: 'sky' },
      { name: 'sea' },
      { name: 'lamp', colour: '#000009' },
    ]);
  });

  test('of Vim without DyVM is asked how directions are added', async (context) => {
    const root = segmentationCheckpoint(modelOf(segmenterShape(false)));
    await assert.rejects(importRoot(context, root, {}), (error) => {
      assert.ok(appError('BAD_CHECKPOINT', /whether a block halves the sum/)(error));
      assert.ok(error instanceof Error && 'hint' in error);
      assert.equal(error.hint, 'Say which: --directions halved or --directions summed.');
      return true;
    });
    for (const halveDirections of [true, false]) {
      const { manifest } = await importRoot(context, root, { halveDirections });
      assert.ok(manifest.task === 'segmentation');
      assert.equal(manifest.halveDirections, halveDirections);
    }
  });

  test('may have tables of rotations', async (context) => {
    const model = new Map([...modelOf(segmenterShape()), ...rotaryTables('backbone.')]);
    const { manifest } = await importRoot(context, segmentationCheckpoint(model), PRUNED);
    assert.ok(manifest.task === 'segmentation' && manifest.rotary);
  });

  const REFUSED: [string, Map<string, Source>, RegExp][] = [
    [
      'pooling at three sizes',
      modelOf({ ...segmenterShape(), head: { ...segmenterShape().head, poolScales: [1, 2, 3] } }),
      /pools its features at 3 sizes, but does not say which/,
    ],
    [
      'a depth without quarters',
      modelOf({ ...segmenterShape(), depth: 6 }),
      /behind which of its 6 blocks the head takes features/,
    ],
    ['an odd grid', modelOf({ ...segmenterShape(), imageSize: 48 }), /multiple of 32 pixels, but is 48/],
    [
      'patches of 8 pixels',
      modelOf({ ...segmenterShape(), patchSize: 8, stride: 8 }),
      /patches of 16 pixels/,
    ],
    [
      'a bottleneck for other maps',
      modelOf(segmenterShape()).set('decode_head.bottleneck.conv.weight', tensor(3, 8, 3, 3)),
      /bottleneck\.conv\.weight must be \[3,20,3,3\], but is \[3,8,3,3\]/,
    ],
    [
      'a class token',
      modelOf(segmenterShape()).set('backbone.cls_token', tensor(1, 1, 8)),
      /^The tensor backbone\.cls_token is unknown in this kind of model$/,
    ],
    [
      'positions of a class token',
      modelOf(segmenterShape()).set('backbone.pos_embed', tensor(1, 5, 8)),
      /5 patch positions, which do not form a square/,
    ],
  ];

  for (const [name, model, message] of REFUSED) {
    test(`refuses ${name}`, async (context) => {
      await assert.rejects(
        importRoot(context, segmentationCheckpoint(model), PRUNED),
        appError('BAD_CHECKPOINT', message),
      );
    });
  }

  test('an unknown head is told by five missing and five unknown names', async (context) => {
    const head = (name: string) => name.replace('decode_head.', 'decode_head.other.');
    await assert.rejects(
      importRoot(context, segmentationCheckpoint(renamed(modelOf(segmenterShape()), head)), PRUNED),
      appError(
        'BAD_CHECKPOINT',
        /^The tensors( decode_head\.[\w.]+,?){5} and 57 more are missing, and the tensors( decode_head\.other\.[\w.]+,?){5} and 57 more are unknown in this kind of model$/,
      ),
    );
  });

  test('refuses an architecture of classifiers', async (context) => {
    await assert.rejects(
      importRoot(context, segmentationCheckpoint(), { ...PRUNED, architecture: 'vim' }),
      appError('BAD_ARGUMENT', /is a segmentation or detection model/),
    );
  });
});

suite('importing a detection model', () => {
  for (const stages of [1, 3] as const) {
    test(`with ${stages} of its box heads takes what predicting needs`, async (context) => {
      const root = detectionCheckpoint(modelOf(detectorShape(stages)));
      const { manifest, path } = await importRoot(context, root, HALVED);
      assert.ok(manifest.task === 'detection');
      const { head, halveDirections, rotary, classes, pruningLayers } = manifest;
      assert.deepEqual(
        { head, halveDirections, rotary, classes, pruningLayers },
        {
          head: { width: 4, boxWidth: 6, stages, boxPerClass: stages === 1 },
          halveDirections: true,
          rotary: true,
          classes: 2,
          pruningLayers: [],
        },
      );
      assert.deepEqual((await verifyPackage(path)).manifest, manifest);
    });
  }

  test('asks how directions are added, whatever the weights are', async (context) => {
    await assert.rejects(
      importRoot(context, detectionCheckpoint(), {}),
      appError('BAD_CHECKPOINT', /whether a block halves the sum/),
    );
  });

  test('may lack tables of rotations', async (context) => {
    const { manifest } = await importRoot(context, detectionCheckpoint(undefined, new Map()), HALVED);
    assert.ok(manifest.task === 'detection' && !manifest.rotary);
  });

  test('refuses tables that are not those that it computes', async (context) => {
    const cases: [Map<string, Source>, RegExp][] = [
      [rotaryTables(undefined, 0.0705), /does not hold the rotations of a grid of 2 x 2 patches/],
      [rotaryTables(undefined, NaN), /does not hold the rotations/],
      [
        rotaryTables().set('backbone.net.rope.freqs_sin', tensor(4, 4)),
        /must be F32 \[4,8\], but is F32 \[4,4\]/,
      ],
    ];
    for (const [tables, message] of cases) {
      await assert.rejects(
        importRoot(context, detectionCheckpoint(undefined, tables), HALVED),
        appError('BAD_CHECKPOINT', message),
      );
    }
    const close = detectionCheckpoint(undefined, rotaryTables(undefined, 0.07009));
    await importRoot(context, close, HALVED);
  });

  const REFUSED: [string, Map<string, Source>, RegExp][] = [
    [
      'a cascade of two stages',
      new Map([...modelOf(detectorShape(3))].filter(([name]) => !/roi_heads\.\w+\.2\./.test(name))),
      /^The tensors roi_heads\.box_head\.2\.conv1\.weight, .* and 13 more are missing$/,
    ],
    [
      'another head',
      renamed(modelOf(detectorShape(1)), (name) => name.replace(/^roi_heads\./, 'head.')),
      /^The tensors roi_heads\..* missing, and the tensors head\..* unknown/,
    ],
    [
      'no class but the background',
      modelOf({ ...detectorShape(3), classes: 0 }),
      /no class beside the background/,
    ],
    [
      'box corrections of some classes only',
      modelOf(detectorShape(1)).set('roi_heads.box_predictor.bbox_pred.weight', tensor(12, 6)),
      /bbox_pred\.weight must be \[8,6\], but is \[12,6\]/,
    ],
    [
      'values that are not finite',
      modelOf(detectorShape(1)).set(
        'roi_heads.mask_head.predictor.bias',
        new TorchTensor({ key: 'x', data: new Uint8Array(Float32Array.of(1, NaN).buffer), shape: [2] }),
      ),
      /predictor\.bias holds a value that is not finite/,
    ],
  ];

  for (const [name, model, message] of REFUSED) {
    test(`refuses ${name}`, async (context) => {
      await assert.rejects(
        importRoot(context, detectionCheckpoint(model), HALVED),
        appError('BAD_CHECKPOINT', message),
      );
    });
  }
});

test('a classifier is not asked how directions are added, and does not listen', async (context) => {
  const root = trainingCheckpoint(dynamicModel(), [['args', new Arguments(TINY_ARGS)]]);
  await assert.rejects(
    importRoot(context, root, { pruningLayers: [1], halveDirections: false }),
    appError('BAD_ARGUMENT', /architecture of a classification model says/),
  );
});

for (const [container, root, given] of [
  ['mmseg', segmentationCheckpoint(), PRUNED],
  ['detectron2', detectionCheckpoint(), HALVED],
] as const) {
  const file = saveZip(root);

  test(`with random bytes, a file of ${container} is imported whole or refused in one sentence`, async (context) => {
    const folder = await temporaryFolder(context);
    const checkpointPath = join(folder, 'checkpoint.pth');
    const random = seededRandom(container.length);
    let refused = 0;
    for (let round = 0; round < 100; round++) {
      await writeFile(checkpointPath, mutated(file, 1 + random(8), random));
      try {
        const name = `model${round}`;
        const { path } = await importCheckpoint({ checkpointPath, name, modelsFolder: folder, ...given });
        await verifyPackage(path);
      } catch (error) {
        assertAppError(error, ['BAD_CHECKPOINT']);
        refused += 1;
      }
    }
    assert.ok(refused > 20, `only ${refused} of 100 damaged files were refused`);
  });
}

suite('inspecting', () => {
  test('a segmentation model asks for what its import would ask for', async (context) => {
    const { task, summary, classes, questions } = await inspectCheckpoint(
      await written(context, segmentationCheckpoint()),
      new Set(),
    );
    assert.deepEqual([task, classes], ['segmentation', 5]);
    assert.equal(
      summary,
      'Segmentation, UperNet on DyVM-Vim: width 8, 4 blocks, 32 x 32 pixels, 5 classes; 1 pruning stage.',
    );
    assert.deepEqual(
      questions.map(({ option }) => option),
      ['tokenKeep', 'pruningLayers', 'labels'],
    );
  });

  test('a detection model asks how directions are added', async (context) => {
    const path = await written(context, detectionCheckpoint());
    const { task, summary, questions } = await inspectCheckpoint(path, new Set());
    assert.equal(task, 'detection');
    assert.match(summary, /^Detection, Cascade Mask R-CNN on Vim: .* 2 classes; no pruning of patches\.$/);
    assert.deepEqual(
      questions.map(({ option }) => option),
      ['halveDirections', 'labels'],
    );
    assert.match(questions[0]?.question ?? '', /^The checkpoint does not say whether .*\.$/);
  });
});

test('cards tell the task, the head and how directions are added', async (context) => {
  const segmenter = modelCard(await importRoot(context, segmentationCheckpoint(), PRUNED));
  assert.match(segmenter, /segmentation: UperNet on DyVM Vim/);
  assert.match(segmenter, /behind blocks 0, 1, 2, 3; windows of 32 pixels every 21/);
  assert.match(segmenter, /chosen per image and block; their sum halved/);
  assert.match(segmenter, /Preset balanced +\d+\.\d{3} GFLOPs per window/);
  const detector = modelCard(await importRoot(context, detectionCheckpoint(), { halveDirections: false }));
  assert.match(detector, /detection: Cascade Mask R-CNN on Vim/);
  assert.match(detector, /rotations before every block/);
  assert.match(detector, /both in every block; summed/);
  assert.match(detector, /^Work +\d/m);
});
