import { NO_LOSSES } from '../../../shared/training.ts';
import type { EpochReport, StepReport } from '../../../shared/training.ts';
import type { BestEpoch, Journal, Plan, Position } from '../journal/journal.ts';
import { pictureCounts } from '../journal/journal.ts';
import { meanReport } from '../journal/report-means.ts';

/** Blocks that run more often than this above their aim have not learned it yet. */
const AIM_MARGIN = 0.05;

const NO_STEPS: StepReport = {
  losses: NO_LOSSES,
  gradientNorm: 0,
  accuracy: 0,
  tokensKept: 1,
  directionsKept: 1,
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

/**
 * The best epoch when one more was tested; `before`: the best of those before it. An epoch whose blocks run as seldom as they
 * should comes before one that is only accurate because they do not. Then the score on the hold-out decides, and where there
 * is a loss and the accuracy is less than a standard error below the highest, sqrt(a (1 - a) / n) of n pictures, that loss: so that on a small
 * hold-out a picture more or less does not keep an epoch that is far less sure. Where the recipe keeps the last, that is it.
 */
export function chooseBest(
  epochs: readonly EpochReport[],
  before: BestEpoch | undefined,
  plan: Plan,
  file: string,
): BestEpoch | undefined {
  const last = epochs.at(-1);
  if (last?.holdout === undefined) return before;
  const onAim = isOnAim(last, plan);
  const best = { epoch: last.epoch, ...last.holdout, onAim, file };
  if (plan.recipe.keeps === 'last') return best;
  if (before === undefined || before.onAim !== onAim) return before?.onAim === true ? before : best;
  const alike = epochs.filter((report) => isOnAim(report, plan) === onAim);
  const highest = Math.max(...alike.map(({ holdout }) => holdout?.score ?? 0));
  const pictures = pictureCounts(plan).held;
  const least = highest - Math.sqrt((highest * (1 - highest)) / Math.max(1, pictures));
  if (best.score < least) return before;
  if (best.loss === undefined || before.loss === undefined) return best.score > before.score ? best : before;
  return before.score < least || best.loss < before.loss ? best : before;
}

function isOnAim({ directionsKept }: EpochReport, { manifest, recipe }: Plan): boolean {
  const { blockRatio, blockKeep } = recipe.losses;
  return !manifest.blockSelection || blockRatio === 0 || directionsKept <= blockKeep + AIM_MARGIN;
}

/** Why training ends although epochs are left: none of the last ones was better. */
export function endedEarly({ epochs, best, plan }: Journal, patience: number): string | undefined {
  const last = epochs.length;
  if (patience === 0 || best === undefined || last - best.epoch < patience) return undefined;
  if (last >= (plan?.recipe.epochs ?? 0)) return undefined;
  return `None of the ${patience} epochs after epoch ${best.epoch} was better, so training ended with epoch ${last}`;
}
