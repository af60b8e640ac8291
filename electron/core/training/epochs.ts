import type { EpochReport, StepReport } from '../../shared/training.ts';
import type { BestEpoch, Journal, Plan, Position } from './journal.ts';
import { meanReport } from './report-means.ts';

/** Blocks that run more often than this above their aim have not learned it yet. */
const AIM_MARGIN = 0.05;

const NO_STEPS: StepReport = {
  losses: {
    ...{ total: 0, classification: 0, tokenRatio: 0 },
    ...{ blockRatio: 0, distillClass: 0, distillToken: 0 },
  },
  ...{ gradientNorm: 0, accuracy: 0, tokensKept: 1, directionsKept: 1 },
};

/** The report of an epoch whose steps are all in `position`. */
export function epochReport(
  epoch: number,
  position: Position,
  tested: Pick<EpochReport, 'learningRate' | 'holdout'>,
): EpochReport {
  const mean = meanReport(position.epochSum) ?? NO_STEPS;
  return { ...mean, epoch, ...tested, seconds: position.epochSeconds };
}

/** What the best epoch is chosen by. */
export function toBest(report: EpochReport, { manifest, recipe }: Plan, file: string): BestEpoch {
  const { top1 = 0, loss = 0 } = report.holdout ?? {};
  const { blockRatio, blockKeep } = recipe.losses;
  const hasAim = manifest.blockSelection && blockRatio > 0;
  const onAim = !hasAim || report.directionsKept <= blockKeep + AIM_MARGIN;
  return { epoch: report.epoch, top1, loss, onAim, file };
}

/**
 * Whether an epoch takes the place of the best: one whose blocks run as seldom as they should before one that is only
 * accurate because they do not; then the higher accuracy on the hold-out, then the smaller loss.
 */
export function betterEpoch(one: BestEpoch, best: BestEpoch | undefined): boolean {
  if (best === undefined) return true;
  if (one.onAim !== best.onAim) return one.onAim;
  return one.top1 === best.top1 ? one.loss < best.loss : one.top1 > best.top1;
}

/** Why training ends although epochs are left: none of the last ones was better. */
export function endedEarly({ epochs, best, plan }: Journal, patience: number): string | undefined {
  const last = epochs.length;
  if (patience === 0 || best === undefined || last - best.epoch < patience) return undefined;
  if (last >= (plan?.recipe.epochs ?? 0)) return undefined;
  return `None of the ${patience} epochs after epoch ${best.epoch} was better, so training ended with epoch ${last}`;
}
