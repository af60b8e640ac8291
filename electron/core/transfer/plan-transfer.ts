import { statfs } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { TransferPlan } from '../../shared/api/exports.ts';
import type { ResultFilter } from '../../shared/api/results.ts';
import type { Library } from '../store/library.ts';
import type { RunRow } from '../store/tables/runs.ts';
import { resolveTarget, transferSteps } from './transfer-steps.ts';

/** What a transfer would do; touches nothing. */
export async function planTransfer(
  library: Library,
  run: RunRow,
  filter: ResultFilter,
  to: string,
): Promise<TransferPlan> {
  const target = await resolveTarget(to);
  const plan = { files: 0, bytes: 0, renamed: 0, withoutLabel: 0, inPlace: 0, missing: 0 };
  const labels = new Map<string, TransferPlan['labels'][number]>();
  for await (const steps of transferSteps(library, run, filter, target)) {
    for (const step of steps) {
      if (step.kind === 'unlabelled') plan.withoutLabel++;
      else if (step.kind === 'inPlace') plan.inPlace++;
      else if (step.kind === 'missing') plan.missing++;
      else {
        const { label, folder, source, place, fileSize } = step.file;
        const counted = labels.get(label) ?? { label, folder, files: 0 };
        labels.set(label, { ...counted, files: counted.files + 1 });
        plan.files++;
        plan.bytes += fileSize;
        if (basename(source) !== basename(place)) plan.renamed++;
      }
    }
  }
  const sorted = [...labels.values()].sort((one, other) => other.files - one.files);
  return { ...plan, labels: sorted, freeBytes: await freeBytes(target) };
}

/** Bytes that are free where a folder lies or would lie; undefined when the system does not say. */
async function freeBytes(folder: string): Promise<number | undefined> {
  for (let path = folder; ; path = dirname(path)) {
    try {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    } catch {
      if (dirname(path) === path) return undefined; // else it is not there yet: its parent's drive counts
    }
  }
}
