import type { Manifest } from '../../../shared/model-package.ts';
import { isDense } from '../../../shared/tasks.ts';
import type { FoundObject, TrainerApi } from '../../../shared/trainer-api.ts';
import type { HoldoutScore } from '../../../shared/training.ts';
import type { TrainingPictures } from '../journal/journal.ts';
import { accuracyOf, lossOf, testHoldout } from './test-holdout.ts';
import type { HeldPicture } from './test-holdout.ts';
import { testMarked } from './test-marked.ts';
import type { HeldMarked } from './test-marked.ts';

/** The pictures of a training that are not learned from, by what they show: one of the lists is empty. */
export interface HeldPictures {
  labelled: HeldPicture[];
  marked: HeldMarked[];
}

export function heldOf({ pictures }: TrainingPictures): HeldPictures {
  const held: HeldPictures = { labelled: [], marked: [] };
  for (const [index, picture] of pictures.entries()) {
    if (!picture.held) continue;
    if ('objects' in picture) held.marked.push({ ...picture, index });
    else held.labelled.push({ ...picture, index });
  }
  return held;
}

export interface ScoreOptions {
  trainer: TrainerApi;
  packagePath: string;
  manifest: Manifest;
  held: HeldPictures;
  signal: AbortSignal;
  /** Hears what the package says of each picture that could be read. */
  onFound?: (picture: HeldPicture | HeldMarked, found: readonly FoundObject[]) => void;
}

/** How a package does on the hold-out at the trained keep ratios. Rejects as testHoldout and testMarked. */
export async function scoreHoldout({ manifest, held, ...options }: ScoreOptions): Promise<HoldoutScore> {
  const { tokenKeep } = manifest;
  if (isDense(manifest)) {
    const { scores } = await testMarked({ ...options, manifest, held: held.marked, tokenKeep });
    return { score: scores.score };
  }
  const tested = await testHoldout({ ...options, held: held.labelled, tokenKeep });
  for (const { picture, predicted, confidence } of tested)
    options.onFound?.(picture, [{ classIndex: predicted, score: confidence }]);
  return { score: accuracyOf(tested), loss: lossOf(tested) };
}
