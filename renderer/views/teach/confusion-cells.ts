import type { TrainingOutcome } from '../../../electron/shared/api/training.ts';
import type { RunEvaluation } from '../../../electron/shared/api/results.ts';

/** The confusion matrix as cells like those of an evaluated run: `folder` is the true class. */
export function confusionCells(
  confusion: TrainingOutcome['confusion'],
  names: readonly string[],
): { classes: { folder: string }[]; confusion: RunEvaluation['confusion'] } {
  const cells = confusion.flatMap((row, from) =>
    row.flatMap((count, to) => {
      const [folder, label] = [names[from], names[to]];
      if (count === 0 || folder === undefined || label === undefined) return [];
      return [{ folder, label, count, right: from === to }];
    }),
  );
  return { classes: names.map((folder) => ({ folder })), confusion: cells };
}

/** A confusion matrix in shares of each row; rows of nothing stay empty. */
export function sharesOfRows(confusion: readonly number[][]): number[][] {
  return confusion.map((row) => {
    const sum = row.reduce((total, count) => total + count, 0);
    return row.map((count) => (sum === 0 ? 0 : count / sum));
  });
}
