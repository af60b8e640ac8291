import { AppError } from '../../shared/errors.ts';
import type { Manifest } from '../../shared/model-package.ts';
import { isPruningOrder } from '../packages/read-package.ts';
import { keepPowers, parseTokenKeep } from '../models/presets.ts';
import type { ModelOptions } from './model-options.ts';
import { badCheckpoint } from './pickle-values.ts';
import type { StateDict } from './state-dict.ts';
import { blockCount, pruningStages } from './state-shapes.ts';

/** The pruning layers that the original sets for every model that it trains. */
const ORIGINAL_PRUNING_LAYERS = [6, 12, 18];

/** How the model prunes patches. Throws BAD_CHECKPOINT where the checkpoint leaves that open, and BAD_ARGUMENT. */
export function tokenPruning(
  state: StateDict,
  options: ModelOptions,
): Pick<Manifest, 'pruningLayers' | 'tokenKeep'> {
  return {
    pruningLayers: pruningLayers(state, options.pruningLayers),
    tokenKeep: trainedTokenKeep(state, options),
  };
}

/** The blocks before which patches are pruned. */
export function pruningLayers(state: StateDict, given: readonly number[] | undefined): number[] {
  const depth = blockCount(state);
  const stages = pruningStages(state);
  if (given === undefined) {
    if (stages === 0) return [];
    if (stages === ORIGINAL_PRUNING_LAYERS.length && depth > 18) return [...ORIGINAL_PRUNING_LAYERS];
    throw badCheckpoint(
      `The checkpoint does not say before which of its ${depth} blocks it prunes patches`,
      `Give ${stages} block numbers, such as --pruning-layers 6,12,18.`,
    );
  }
  if (given.length !== stages) {
    throw new AppError(
      'BAD_ARGUMENT',
      `The model prunes patches in ${stages} stages, but ${given.length} pruning layers were given`,
    );
  }
  if (!given.every(Number.isInteger) || !isPruningOrder(given, depth)) {
    throw new AppError(
      'BAD_ARGUMENT',
      `Pruning layers must rise and lie between 1 and ${depth - 1}, but are ${given.join(', ')}`,
    );
  }
  return [...given];
}

/** The token keep ratio of each stage. */
export function trainedTokenKeep(
  state: StateDict,
  options: Pick<ModelOptions, 'name' | 'tokenKeep'>,
): number[] {
  const stages = pruningStages(state);
  if (options.tokenKeep !== undefined) return parseTokenKeep(options.tokenKeep, stages, options.name);
  if (stages === 0) return [];
  const ratio = state.args.ratio('token_keep_ratio');
  if (ratio !== undefined) return keepPowers(ratio, stages);
  throw badCheckpoint(
    'The checkpoint prunes patches, but does not record its token keep ratio',
    'Give the ratio that it was trained with, such as --token-keep 0.7.',
  );
}
