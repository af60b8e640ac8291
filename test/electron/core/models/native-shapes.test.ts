import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import type {
  ClassifierShape,
  DetectorShape,
  ModelShape,
  SegmenterShape,
} from '../../../../electron/core/models/model-shape.ts';
import { tensorShapes } from '../../../../electron/core/models/tensor-shapes.ts';
import { loadAddon } from '../../../../electron/engine/addon.ts';
import { ARCHITECTURE_NAMES, ARCHITECTURES } from '../../../../electron/shared/architectures.ts';
import type { Architecture } from '../../../../electron/shared/architectures.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { setupOf } from '../../support/training-setup.ts';

const addon = loadAddon();
const folder = temporaryFolder({ after: (cleanup: () => void) => after(cleanup) });
const packages = join(folder, 'packages');
mkdirSync(packages);

type Shapes = [name: string, shape: readonly number[]][];

/** Sizes that differ where they may, so that no two of a tensor's can be taken for each other. */
const sizes = {
  format: 1,
  name: 'small',
  patchSize: 4,
  stride: 4,
  imageSize: 12,
  embedDim: 24,
  depth: 5,
  stateDim: 3,
  convWidth: 2,
  dtRank: 7,
  classes: 5,
  preprocessing: { resize: 14, crop: 12, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
} as const;

const kinds = {
  dynamic: { blockSelection: true, pruningLayers: [1, 3], tokenKeep: [0.8, 0.5] },
  plain: { blockSelection: false, pruningLayers: [], tokenKeep: [] },
  pruned: { blockSelection: false, pruningLayers: [2], tokenKeep: [0.6] },
};

/** What each family of classifiers has of its own; one that is missing here does not compile. */
const families: Record<Architecture, Pick<ClassifierShape, 'registers' | 'registerReduction'>> = {
  vim: {},
  videomamba: {},
  mambareg: { registers: 2, registerReduction: 3 },
};

const segmentationHeads: Record<string, SegmenterShape['head']> = {
  'four pools': { taps: [0, 1, 2, 4], width: 9, poolScales: [1, 2, 3, 6], slideStride: 8 },
  'one pool': { taps: [1, 2, 3, 4], width: 10, poolScales: [2], slideStride: 8 },
  convolutions: { kind: 'convolutions', width: 9, slideStride: 8 },
};

const detectionHeads: Record<string, DetectorShape['head']> = {
  'one stage': { width: 9, boxWidth: 11, stages: 1, boxPerClass: false },
  'boxes per class': { width: 9, boxWidth: 11, stages: 1, boxPerClass: true },
  'a cascade': { width: 10, boxWidth: 11, stages: 3, boxPerClass: false },
  'no anchors': { kind: 'one-stage', width: 10, layers: 3, prototypes: 9 },
  'no anchors and no masks': { kind: 'one-stage', width: 9, layers: 1 },
};

/** As much of a manifest as native code reads; the tensors depend on what is in its ModelShape. */
type Small = ModelShape & { architecture: string };

function* everyModel(): Generator<[name: string, manifest: Small]> {
  for (const [kind, choices] of Object.entries(kinds)) {
    const common = { ...sizes, ...choices };
    for (const [architecture, own] of Object.entries(families)) {
      yield [`${architecture} (${kind})`, { ...common, ...own, task: 'classification', architecture }];
    }
    const dense = { ...common, architecture: 'vim', halveDirections: true, rotary: true };
    for (const [variant, head] of Object.entries(segmentationHeads)) {
      yield [`segmentation with ${variant} (${kind})`, { ...dense, task: 'segmentation', head }];
    }
    for (const [variant, head] of Object.entries(detectionHeads)) {
      yield [`detection with ${variant} (${kind})`, { ...dense, task: 'detection', head }];
    }
  }
}

/** Writes a package whose numbers are all 1/2: variances are positive, and nothing overflows. */
function write(file: string, manifest: Small, shapes: Shapes): string {
  const path = join(packages, file);
  let end = 0;
  const header: Record<string, unknown> = { __metadata__: { winnow: JSON.stringify(manifest) } };
  for (const [name, shape] of shapes) {
    const begin = end;
    end += 4 * shape.reduce((product, side) => product * side, 1);
    header[name] = { dtype: 'F32', shape, data_offsets: [begin, end] };
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(
    path,
    Buffer.concat([length, text, new Uint8Array(new Float32Array(end / 4).fill(0.5).buffer)]),
  );
  return path;
}

const load = (path: string) => addon.loadModel(path, { device: 'reference', threads: 1, precision: 'fp32' });

suite('the shapes that TypeScript states are those that native code asks for', () => {
  for (const [name, manifest] of everyModel()) {
    const shapes: Shapes = [...tensorShapes(manifest)];

    test(`${name}: a package of them is loaded`, async () => {
      await load(write('whole', manifest, shapes)); // native code refuses what it does not know as well
    });

    test(`${name}: no other tensor is taken`, async () => {
      await assert.rejects(
        load(write('more', manifest, [...shapes, ['other.weight', [1]]])),
        about('other.weight'),
      );
    });
  }
});

// A package is loaded only when it holds all that native code asks for, and nothing else; that this is so:
suite('native code refuses tensors that are not those of the manifest', () => {
  const asked = new Set(Object.keys(families));
  for (const task of ['segmentation', 'detection', 'one-stage']) asked.add(task);
  for (const [name, manifest] of everyModel()) {
    const head = manifest.task === 'detection' ? manifest.head.kind : undefined;
    const kind = manifest.task === 'classification' ? manifest.architecture : (head ?? manifest.task);
    if (!asked.delete(kind)) continue; // one of each
    test(name, async () => {
      const shapes: Shapes = [...tensorShapes(manifest)];
      for (const [index, [tensor, shape]] of shapes.entries()) {
        const isUnused = tensor === 'backbone.norm_f.weight'; // in the file, and nothing uses it
        if (isUnused || /layers\.[0-3]\./.test(tensor)) continue; // blocks are alike
        const others = shapes.filter((_, other) => other !== index);
        await assert.rejects(load(write('less', manifest, others)), about(tensor), `without ${tensor}`);
        const longer: Shapes = [...others, [tensor, [...shape.slice(0, -1), (shape.at(-1) ?? 0) + 1]]];
        await assert.rejects(load(write('longer', manifest, longer)), about(tensor), `a longer ${tensor}`);
      }
    });
  }
});

const about = (tensor: string) => (error: Error) => {
  assert.ok(error.message.includes(tensor), error.message);
  return true;
};

suite('the shapes that TypeScript states are those that native code trains', () => {
  for (const [kind, choices] of Object.entries(kinds)) {
    for (const architecture of ARCHITECTURE_NAMES) {
      test(`${architecture} (${kind})`, async () => {
        const own = families[architecture];
        const manifest = { ...sizes, ...choices, ...own, task: 'classification' as const, architecture };
        const { losses, optimiser, augmentation } = setupOf();
        const created = addon.createTrainer({
          settings: JSON.stringify({
            manifest,
            losses: { ...losses, tokenKeep: choices.tokenKeep },
            optimiser,
            augmentation,
          }),
          seed: 1,
          device: 'reference',
          threads: 1,
        });
        if (!ARCHITECTURES[architecture].isTrainable) return assert.rejects(created, /cannot be trained/);
        const trainer = await created;
        const path = join(folder, 'trained');
        await trainer.saveWeights(path, false);
        const bytes = readFileSync(path);
        const header = JSON.parse(bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE()))) as Record<
          string,
          { shape: number[] }
        >;
        const saved = Object.entries(header).filter(([tensor]) => tensor !== '__metadata__');
        assert.deepEqual(
          new Map(saved.map(([tensor, { shape }]) => [tensor, shape])),
          tensorShapes(manifest),
        );
      });
    }
  }
});
