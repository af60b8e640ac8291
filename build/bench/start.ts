import { execFileSync } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import type { Precision } from '../../electron/shared/run.ts';
import { median, printTable } from './tables.ts';

const ROUNDS = 5;
const figures = z.object({ load: z.number(), first: z.number(), memory: z.number() });

/** Loading DyVM-S and its first prediction, each time in a new process, medians. */
export function benchStart(model: string, pixels: string, precisions: readonly Precision[]): void {
  const program = path.join(import.meta.dirname, 'first-prediction.ts');
  const rows = precisions.map((precision) => {
    const rounds = Array.from({ length: ROUNDS }, () => {
      const settings = [model, pixels, precision, String(os.availableParallelism())];
      const output = execFileSync(process.execPath, [program, ...settings], { encoding: 'utf8' });
      return figures.parse(JSON.parse(output));
    });
    return [
      precision,
      median(rounds.map(({ load }) => load)).toFixed(0),
      median(rounds.map(({ first }) => first)).toFixed(0),
      median(rounds.map(({ memory }) => memory)).toFixed(0),
    ];
  });
  printTable(
    ['DyVM-S', 'loading, ms', 'first prediction, ms', 'peak memory of the engine at batch 16, MB'],
    rows,
  );
}
