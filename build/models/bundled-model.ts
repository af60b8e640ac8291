import { spawnSync } from 'node:child_process';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { withApp } from '../../electron/cli/app.ts';
import { readManifest } from '../../electron/core/packages/read-package.ts';
import { writeModel } from '../../electron/core/packages/write-model.ts';
import type { ClassificationManifest } from '../../electron/shared/model-package.ts';
import { root } from '../setup.mjs';
import { cardText } from './card-text.ts';
import type { CardWords, Measured } from './card-text.ts';

export type Options = Record<string, string | number>;

/** Two packages: one of them is bundled, with its card. */
export interface Taught {
  plain: string; // without pruning
  dynamic: string; // that learned from it
}

/** A model that is to be bundled. All on the way is in its folder, out/<name>; what is there already is not made again. */
export class BundledModel {
  readonly folder: string;
  readonly #name: string;
  readonly #data: string;

  constructor(name: string) {
    this.#name = name;
    this.folder = path.join(root, 'out', name);
    this.#data = path.join(this.folder, 'data');
    process.env['WINNOW_DATA'] = this.#data; // also of the programs that it runs
  }

  /** Runs a program of the project; ends everything when it fails. */
  run(program: string, args: readonly string[], options: Options): void {
    const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const command = [path.join(root, program), ...args, ...flags];
    const { status } = spawnSync(process.execPath, command, { stdio: 'inherit' });
    if (status !== 0) process.exit(status ?? 1);
  }

  /** A model of this name, taught with `winnow train` on a folder of class folders. Gives its package. */
  teach(name: string, pictures: string, options: Options): string {
    const file = path.join(this.#data, 'models', `${name}.safetensors`);
    if (!existsSync(file)) this.run('electron/cli/winnow.ts', ['train', pictures], { ...options, out: name });
    return file;
  }

  /** Puts the dynamic model and its card, with what it reaches on a folder of unseen pictures, into resources/models. */
  async bundle({ plain, dynamic }: Taught, unseen: string, words: CardWords): Promise<void> {
    const measured = await measure(dynamic, unseen);
    const taught = (await readManifest(dynamic)) as ClassificationManifest;
    const manifest = { ...taught, name: this.#name, licence: 'Apache-2.0' };
    const place = path.join(root, 'resources/models', this.#name);
    const file = `${place}.safetensors`;
    await writeModel(file, dynamic, manifest);
    const parent = (await readManifest(plain)) as ClassificationManifest;
    const card = cardText({ manifest, bytes: statSync(file).size, plain: parent, measured, words });
    writeFileSync(`${place}.md`, card);
    console.log(`\n${card}\nWrote ${file} and its card`);
  }
}

/** What `winnow evaluate` finds, by preset. */
function measure(model: string, folder: string): Promise<Measured[]> {
  return withApp(undefined, async (app) => {
    const measured: Measured[] = [];
    for (const preset of ['accurate', 'balanced', 'fast'] as const) {
      const { run, images, top1, blockKeep } = await app.evaluate({ folder, model, preset });
      measured.push({ preset, keep: run.spec.preset?.tokenKeep[0] ?? 1, images, top1, blockKeep });
    }
    return measured;
  });
}
