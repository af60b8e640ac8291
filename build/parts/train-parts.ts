/**
 * npm run parts: makes the bundled model `parts` and its pictures. Draws workshop parts to learn from and others to test
 * with, teaches a model on the first from scratch and makes it a DyVM, measures it on the second, and puts it into
 * resources/models and the demo's pictures into resources/samples. All else is in out/parts; what is there already is not
 * made again.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { readManifest } from '../../electron/core/packages/read-package.ts';
import { writeModel } from '../../electron/core/training/write-model.ts';
import { SAMPLE_MODEL } from '../../electron/shared/api/settings.ts';
import type { ClassificationManifest } from '../../electron/shared/model-package.ts';
import { root } from '../setup.mjs';

const work = path.join(root, 'out/parts');
const data = path.join(work, 'data');
const side = 72; // pixels, which the model sees as they are: it crops 63 of them

/** A program of the project, in the data folder of this work; ends everything when it fails. */
function run(program: string, ...args: string[]): void {
  const { status } = spawnSync(process.execPath, [path.join(root, program), ...args], {
    stdio: 'inherit',
    env: { ...process.env, WINNOW_DATA: data },
  });
  if (status !== 0) process.exit(status ?? 1);
}

const flags = (options: Record<string, string | number>) =>
  Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);

/** A folder of pictures, drawn from a seed of its own. */
function draw(folder: string, options: { seed: number; count: number; side: number }): string {
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  run('build/parts/write-parts.ts', unfinished, ...flags(options));
  renameSync(unfinished, folder);
  return folder;
}

/** A model by its name in the data folder, taught on these pictures. */
function teach(name: string, pictures: string, options: Record<string, string | number>): string {
  const file = path.join(data, 'models', `${name}.safetensors`);
  if (!existsSync(file)) run('electron/cli/winnow.ts', 'train', pictures, '--out', name, ...flags(options));
  return file;
}

const learned = draw(path.join(work, 'learned'), { seed: 1, count: 32_000, side });
const unseen = draw(path.join(work, 'unseen'), { seed: 2, count: 2_004, side });

// Without pruning first; then a DyVM that learns from that.
teach('parts-plain', learned, {
  ...{ from: 'scratch', method: 'scratch', epochs: 28, lr: 2e-3, holdout: 0.03 },
  ...{ width: 128, depth: 8, states: 8 },
  ...{ 'image-size': 63, 'patch-size': 14, stride: 7 },
});
const parts = teach('parts-pruned', learned, {
  ...{ from: 'parts-plain', method: 'distill', epochs: 12, lr: 1e-3, holdout: 0.03 },
  ...{ 'token-keep': 0.85, 'block-keep': 0.8 },
});
for (const preset of ['fast', 'balanced', 'accurate'])
  run('electron/cli/winnow.ts', 'evaluate', unseen, '--model', parts, '--preset', preset);

const manifest = (await readManifest(parts)) as ClassificationManifest;
const bundled = path.join(root, 'resources/models', `${SAMPLE_MODEL}.safetensors`);
await writeModel(bundled, parts, { ...manifest, name: SAMPLE_MODEL, licence: 'Apache-2.0' });
const samples = path.join(root, 'resources/samples/parts');
rmSync(samples, { recursive: true, force: true });
draw(samples, { seed: 3, count: 60, side: 160 });
rmSync(path.join(samples, 'annotations.json'));
