import type { RunEvaluation } from '../../../electron/shared/api/results.ts';

/** Predictions for pictures whose classes are known. */
export interface Confusions {
  classes: readonly { folder: string }[];
  confusion: RunEvaluation['confusion'];
}

export interface ConfusionMap {
  folders: string[]; // rows
  labels: string[]; // columns: the right label of each folder in the folders' order, then the others
}

/** Rows and columns of the confusion matrix, so that the right labels lie on the diagonal. */
export function arrangeConfusion({ classes, confusion }: Confusions): ConfusionMap {
  const folders = classes.map(({ folder }) => folder);
  const right = new Map(confusion.filter((cell) => cell.right).map(({ folder, label }) => [folder, label]));
  const others = confusion.filter((cell) => !cell.right).map(({ label }) => label);
  // A folder without a right image has no known label: its column is the label of the same name, where there is one.
  const diagonal = folders.map((folder) => right.get(folder) ?? folder);
  return { folders, labels: [...new Set([...diagonal, ...others])] };
}
