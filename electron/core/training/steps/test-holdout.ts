import type { EngineDial } from '../../../shared/engine-api.ts';
import { AppError } from '../../../shared/errors.ts';
import { toRead } from '../../../shared/trainer-api.ts';
import type { HoldoutOutcome, TrainerApi } from '../../../shared/trainer-api.ts';
import { TRAINED_THRESHOLD } from '../../models/presets.ts';
import type { LabelledPicture } from '../journal/journal.ts';

/** A picture that is tested with, and its index among all. */
export type HeldPicture = LabelledPicture & { index: number };

/** What a model says of one picture that it has not learned from. */
export interface TestedPicture {
  picture: HeldPicture;
  predicted: number; // class
  confidence: number; // of it
  rightConfidence: number; // of the true class
  blockKeep: number; // share of the scan directions that ran
}

const CHUNK = 64; // pictures that are asked for together

/** The dial of a preset with these keep ratios. */
export function dialOf(tokenKeep: readonly number[]): EngineDial {
  return { tokenKeep, blockThreshold: TRAINED_THRESHOLD };
}

export interface TestOptions {
  trainer: TrainerApi;
  packagePath: string;
  held: readonly HeldPicture[];
  tokenKeep: readonly number[];
  signal: AbortSignal;
  /** Hears of every chunk how many pictures of it were read. */
  onTested?: (pictures: number) => void;
}

/**
 * Predicts the hold-out with a package; pictures that cannot be read any more are left out. Rejects with CANCELLED when
 * `signal` is aborted, and with NOT_FOUND when no picture can be read.
 */
export async function testHoldout(options: TestOptions): Promise<TestedPicture[]> {
  const { trainer, packagePath, held, tokenKeep, signal, onTested } = options;
  const tested: TestedPicture[] = [];
  let reason = '';
  for (let first = 0; first < held.length; first += CHUNK) {
    if (signal.aborted) throw new AppError('CANCELLED', 'The test on the hold-out was not done to the end');
    const chunk = held.slice(first, first + CHUNK);
    const outcomes = await trainer.predict(packagePath, chunk.map(toRead), dialOf(tokenKeep));
    for (const [index, picture] of chunk.entries()) {
      const outcome = outcomes[index];
      if (outcome !== undefined && !('error' in outcome)) tested.push(judge(picture, outcome));
      else reason = outcome?.error ?? 'the training host gave no answer';
    }
    onTested?.(chunk.length);
  }
  if (tested.length > 0) return tested;
  throw noneReadable(held.length, reason);
}

/** No picture of the hold-out can be tested with, for this reason. */
export function noneReadable(pictures: number, reason: string): AppError {
  return new AppError(
    'NOT_FOUND',
    `None of the ${pictures} pictures that are held out can be read any more: ${reason.replace(/\.$/, '')}`,
    'Is their drive connected? Then go on with the training.',
  );
}

function judge(
  picture: HeldPicture,
  { probabilities, top, blockKeep }: Exclude<HoldoutOutcome, { error: string }>,
): TestedPicture {
  const [best] = top;
  return {
    picture,
    predicted: best?.classIndex ?? 0,
    confidence: best?.confidence ?? 0,
    rightConfidence: probabilities[picture.classIndex] ?? 0,
    blockKeep,
  };
}

/** Share of the pictures whose best class is theirs. */
export function accuracyOf(tested: readonly TestedPicture[]): number {
  return tested.filter(isRight).length / Math.max(1, tested.length);
}

export function isRight({ picture, predicted }: TestedPicture): boolean {
  return predicted === picture.classIndex;
}

const LEAST_PROBABILITY = 1e-7; // of a class, so that one that is ruled out has a finite loss

/** Mean cross entropy. */
export function lossOf(tested: readonly TestedPicture[]): number {
  const sum = tested.reduce(
    (total, { rightConfidence }) => total - Math.log(Math.max(LEAST_PROBABILITY, rightConfidence)),
    0,
  );
  return sum / Math.max(1, tested.length);
}
