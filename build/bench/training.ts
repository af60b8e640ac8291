import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { releaseBuild, root } from '../setup.mjs';
import { writePhotos } from './pictures.ts';
import { printTable, timed } from './tables.ts';

const program = path.join(root, releaseBuild.folder, 'winnow-bench-train');

/** Training steps of a small Vim (width 96, 8 blocks) at batch 128, without pruning, as a DyVM, and beside its teacher. */
export function benchSteps(steps: number): void {
  const kinds = [
    { name: 'without pruning', options: ['--plain'] },
    { name: 'DyVM', options: [] },
    { name: 'DyVM with its teacher', options: ['--teacher'] },
  ];
  const rows = kinds.map(({ name, options }) => {
    const said = execFileSync(program, [...options, '--batch', '128', '--steps', String(steps)], {
      encoding: 'utf8',
    });
    const speed = /: ([\d.]+) images\/s/.exec(said);
    const memory = /memory of a step ([\d.]+) MB, ([\d.]+) x/.exec(said);
    return [name, speed?.[1] ?? '', memory?.[1] ?? '', memory?.[2] ?? ''];
  });
  printTable(['training step, 32 pixels, batch 128', 'images/s', 'MB', 'times its activations'], rows);
}

const CLASSES = 10;

export interface HeadSettings {
  work: string;
  count: number; // pictures
  model: string; // a package
}

/** A new head on pictures in class folders, beside predicting the same pictures once. */
export async function benchHead({ work, count, model }: HeadSettings): Promise<void> {
  const [folder, data] = [path.join(work, 'classes'), path.join(work, 'training-data')];
  fs.mkdirSync(folder);
  for (let i = 0; i < CLASSES; i++)
    await writePhotos(path.join(folder, `class ${i}`), count / CLASSES, {
      width: 500,
      height: 375,
      tiles: 1,
    });
  const winnow = (...args: string[]) =>
    timed(() =>
      execFileSync(process.execPath, [path.join(root, 'electron/cli/winnow.ts'), ...args], {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, WINNOW_DATA: data },
      }),
    );
  const predicted = await winnow('run', folder, '--model', model);
  const taught = await winnow('train', folder, '--from', model, '--method', 'head', '--out', 'head');
  printTable(
    [`${count} JPEGs of 500 x 375, DyVM-T`, 's', 'images/s'],
    [
      ['predicted once', seconds(predicted), (count / (predicted / 1000)).toFixed(1)],
      ['a new head learned', seconds(taught), (count / (taught / 1000)).toFixed(1)],
      ['times as long', (taught / predicted).toFixed(2), ''],
    ],
  );
}

const seconds = (milliseconds: number) => (milliseconds / 1000).toFixed(1);
