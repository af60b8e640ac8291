import type { TrainerSetup } from '../../../electron/shared/trainer-api.ts';

/** What a trainer is opened with, for a model that sees pictures at 32 pixels. The manifest has what the host reads. */
export function setupOf(): TrainerSetup {
  const preprocessing = { resize: 32, crop: 32, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
  return {
    manifest: JSON.stringify({ preprocessing }),
    parent: undefined,
    teacher: undefined,
    state: undefined,
    seed: 0,
    device: 'cpu',
    threads: 1,
    losses: {
      classification: 1,
      tokenRatio: 0,
      blockRatio: 0,
      distillClass: 0,
      distillToken: 0,
      tokenKeep: [],
      blockKeep: 1,
    },
    optimiser: { weightDecay: 0, largestNorm: 0, averageDecay: 0 },
    augmentation: {
      crop: { kind: 'centre' },
      flip: false,
      colourJitter: 0,
      erasing: 0,
      mixup: 0,
      cutMix: 0,
      randAugment: { operations: 0, magnitude: 0 },
      smoothing: 0,
    },
  };
}
