import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { withApp } from '../../electron/cli/app.ts';
import { readManifest } from '../../electron/core/packages/read-package.ts';
import { writeModel } from '../../electron/core/packages/write-model.ts';
import type { FoundEvaluation } from '../../electron/shared/api/results.ts';
import type { CalibratedPreset } from '../../electron/shared/calibration.ts';
import type { Manifest } from '../../electron/shared/model-package.ts';
import type { DenseTask } from '../../electron/shared/tasks.ts';
import { root } from '../setup.mjs';
import { cardText, labelScores } from './card-text.ts';
import type { CardWords, Measured } from './card-text.ts';
import { writeHalved } from './half-precision.ts';

export type Options = Record<string, string | number>;

/** Marked pictures: a folder of them, and what lies where in them, as `winnow labels import` reads it. */
export interface MarkedPictures {
  task: DenseTask;
  pictures: string;
  marks: string;
}

/** What a model reaches with a preset. */
type Measure = (model: string, preset: CalibratedPreset) => Promise<Measured>;

/** Runs a program of the project; ends everything when it fails. */
export function runProgram(program: string, args: readonly string[], options: Options): void {
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const command = [path.join(root, program), ...args, ...flags];
  const { status } = spawnSync(process.execPath, command, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

/** A folder of drawn parts (build/parts/write-parts.ts), from a seed of its own, unless it is there already. */
export function drawParts(folder: string, options: Options, ...flags: string[]): string {
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(path.dirname(folder), { recursive: true });
  runProgram('build/parts/write-parts.ts', [unfinished, ...flags], options);
  renameSync(unfinished, folder);
  return folder;
}

/**
 * A model that is to be bundled. All on the way is in its folder, out/<name>; what is there already is not made again. One
 * is made after the other, for the programs that are run take its data folder from the environment.
 */
export class BundledModel {
  readonly folder: string;
  readonly #name: string;
  readonly #data: string;

  constructor(name: string) {
    this.#name = name;
    this.folder = path.join(root, 'out', name);
    this.#data = path.join(this.folder, 'data');
    process.env['WINNOW_DATA'] = this.#data;
  }

  /** A model of this name, taught with `winnow train` on a folder of class folders. Gives its package. */
  teach(name: string, pictures: string, options: Options): string {
    const file = this.#package(name);
    if (!existsSync(file)) this.#train([pictures], { ...options, out: name });
    return file;
  }

  /** Likewise of one that finds what lies where, on marked pictures that are read as a run. */
  async teachMarked(
    name: string,
    { task, pictures, marks }: MarkedPictures,
    options: Options,
  ): Promise<string> {
    const file = this.#package(name);
    if (existsSync(file)) return file;
    const purpose = { kind: 'run', tool: 'build/parts' } as const;
    const { runId } = await withApp(undefined, (app) =>
      app.importLabels({ path: marks, folder: pictures, task, purpose }),
    );
    this.#train([], { ...options, task, run: runId, out: name });
    return file;
  }

  /**
   * Puts a model's package into resources/models, its weights in 16 bits where it is `halved`, and its card beside it, with
   * what `measure` finds with each preset.
   */
  async bundle(
    taught: string,
    measure: Measure,
    words: (manifest: Manifest) => CardWords,
    halved = false,
  ): Promise<void> {
    const manifest = { ...(await readManifest(taught)), name: this.#name, licence: 'Apache-2.0' };
    const place = path.join(root, 'resources/models', this.#name);
    const file = `${place}.safetensors`;
    const weights = halved ? path.join(this.folder, 'halved.safetensors') : taught;
    if (halved) await writeHalved(taught, weights);
    await writeModel(file, weights, manifest);
    const measured: Measured[] = [];
    for (const preset of ['accurate', 'balanced', 'fast'] as const)
      measured.push(await measure(file, preset));
    const text = cardText({ manifest, bytes: statSync(file).size, measured, words: words(manifest) });
    writeFileSync(`${place}.md`, text);
    console.log(`\n${text}\nWrote ${file} and its card`);
  }

  #package(name: string): string {
    return path.join(this.#data, 'models', `${name}.safetensors`);
  }

  #train(args: readonly string[], options: Options): void {
    runProgram('electron/cli/winnow.ts', ['train', ...args], options);
  }
}

/** What `winnow evaluate` finds on a folder of class folders. */
export function measureLabels(folder: string): Measure {
  return (model, preset) =>
    withApp(undefined, async (app) => {
      const { run, images, top1, blockKeep } = await app.evaluate({ folder, model, preset });
      const keep = run.spec.preset?.tokenKeep[0] ?? 1;
      return { preset, keep, images, scores: labelScores(top1, blockKeep) };
    });
}

/** What `winnow evaluate` finds on pictures whose marks are known. `scores`: the lines of the card's table. */
export function measureMarks<Task extends DenseTask>(
  { pictures, marks }: MarkedPictures & { task: Task },
  scores: (found: Extract<FoundEvaluation, { task: Task }>) => Record<string, string>,
): Measure {
  return (model, preset) =>
    withApp(undefined, async (app) => {
      const run = await app.run({ folders: [pictures], model, preset });
      const found = await app.evaluateFound({ runId: run.id, truth: marks });
      const keep = run.spec.preset?.tokenKeep[0] ?? 1;
      const own = found as Extract<FoundEvaluation, { task: Task }>;
      return { preset, keep, images: found.images, scores: scores(own) };
    });
}
