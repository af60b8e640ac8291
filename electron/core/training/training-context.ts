import type { Clock } from '../../shared/clock.ts';
import type { TrainerApi } from '../../shared/trainer-api.ts';
import type { ModelRegistry } from '../registry/model-registry.ts';
import type { Library } from '../store/library.ts';
import type { RunRow } from '../store/tables/runs.ts';

/** What a training works with; AppContext has all of it. */
export interface TrainingContext {
  readonly trainer: TrainerApi;
  readonly registry: ModelRegistry;
  readonly library: Library; // opened when a training learns from a run
  readonly clock: Clock;
  /** Throws NOT_FOUND. */
  runRow(id: number): RunRow;
  /** ISO 8601. */
  now(): string;
}
