import { AppError } from '../../../shared/errors.ts';
import type { DetectionManifest, SegmentationManifest } from '../../../shared/model-package.ts';
import type { FoundObject, TrainerApi } from '../../../shared/trainer-api.ts';
import type { MarkedScores } from '../../../shared/training.ts';
import { forTask } from '../../../shared/tasks.ts';
import { taskSettings } from '../../models/model-input.ts';
import type { MarkedPicture } from '../journal/journal.ts';
import { scoreMaps } from './score-maps.ts';
import { scoreDetections } from './score-marked.ts';
import type { ScoredPicture } from './score-marked.ts';
import { dialOf, noneReadable } from './test-holdout.ts';

/** A marked picture that is not learned from, and its index among all. */
export type HeldMarked = MarkedPicture & { index: number };

export interface MarkedTestOptions {
  trainer: TrainerApi;
  packagePath: string;
  manifest: SegmentationManifest | DetectionManifest;
  held: readonly HeldMarked[];
  tokenKeep: readonly number[];
  signal: AbortSignal;
  /** Hears of every chunk how many pictures of it were read. */
  onTested?: (pictures: number) => void;
  /** Hears what was found in each picture that could be read. */
  onFound?: (picture: HeldMarked, found: readonly FoundObject[]) => void;
}

/** How a package does on the hold-out. */
export interface MarkedTest {
  scores: MarkedScores;
  blockKeep: number; // share of the scan directions that ran
  images: number; // that could be read
}

const CHUNK = 16; // pictures that are asked for together

/**
 * What a package finds in the hold-out, as a run finds it, compared with what is marked; pictures that cannot be read any
 * more are left out. Rejects with CANCELLED when `signal` is aborted, and with NOT_FOUND when no picture can be read.
 */
export async function testMarked(options: MarkedTestOptions): Promise<MarkedTest> {
  const { trainer, packagePath, manifest, held, tokenKeep, signal, onTested, onFound } = options;
  const dial = { ...dialOf(tokenKeep), ...taskSettings(manifest) };
  const tested: ScoredPicture[] = [];
  let [blocks, reason] = [0, ''];
  for (let first = 0; first < held.length; first += CHUNK) {
    if (signal.aborted) throw new AppError('CANCELLED', 'The test on the hold-out was not done to the end');
    const chunk = held.slice(first, first + CHUNK);
    const paths = chunk.map(({ path }) => path);
    const outcomes = await trainer.find(packagePath, paths, dial);
    for (const [index, picture] of chunk.entries()) {
      const outcome = outcomes[index] ?? { error: 'the training host gave no answer' };
      if ('error' in outcome) {
        reason = outcome.error;
        continue;
      }
      const { index: at, relativePath, objects } = picture;
      tested.push({ index: at, path: relativePath, truth: objects, found: outcome.found });
      onFound?.(picture, outcome.found);
      blocks += outcome.blockKeep;
    }
    onTested?.(chunk.length);
  }
  if (tested.length === 0) throw noneReadable(held.length, reason);
  return {
    scores: forTask<typeof manifest, MarkedScores>(manifest, {
      segmentation: ({ classes }) => scoreMaps(tested, classes),
      detection: ({ classes }) => scoreDetections(tested, classes),
    }),
    blockKeep: blocks / tested.length,
    images: tested.length,
  };
}
