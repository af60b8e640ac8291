import { execFileSync } from 'node:child_process';
import path from 'node:path';
import type { Precision } from '../../electron/shared/run.ts';
import { releaseBuild, root } from '../setup.mjs';

/**
 * Segmentation and detection on random weights of the published sizes: parts, memory, and their convolutions beside
 * oneDNN's.
 */
export function benchDense(precisions: readonly Precision[], quick: boolean): void {
  // int8 is for in_proj and out_proj; the heads are bf16 then, too.
  const measured = precisions.filter((precision) => precision !== 'int8').join(',');
  const run = (program: string, ...settings: string[]) => {
    const command = path.join(root, releaseBuild.folder, program);
    execFileSync(command, [...settings, '--precisions', measured], { stdio: 'inherit' });
    console.log();
  };
  console.log('### Segmentation and detection\n');
  run('winnow-bench-segmentation', '--models', quick ? 'T' : 'T,S', '--threads', '2');
  run('winnow-bench-detection');
  run('winnow-bench', '--maps', '--threads', '2', '--seconds', quick ? '0.2' : '1');
}
