import type { Receipt } from '../../shared/run.ts';

/** Scan directions that ran, over all blocks; at most two per block. */
export function directionsRun(receipt: Receipt): number {
  return receipt.directions.reduce((count, bits) => count + (bits & 1) + ((bits >> 1) & 1), 0);
}

/** Patches that were kept at each of `stages` pruning stages. */
export function patchesKept(receipt: Receipt, stages: number): number[] {
  return Array.from({ length: stages }, (_, stage) => patchesSurviving(receipt, stage + 1));
}

/** Patches that survived at least so many stages. */
export function patchesSurviving(receipt: Receipt, stages: number): number {
  return receipt.survived.reduce((count, survived) => count + (survived >= stages ? 1 : 0), 0);
}

/** Windows of a segmented picture that went into its receipt; 1 for other models. `depth`: blocks of the model. */
export function windowsOf({ directions }: Receipt, depth: number): number {
  return Math.max(1, Math.round(directions.length / depth));
}
