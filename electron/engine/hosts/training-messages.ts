import type { EngineDial } from '../../shared/engine-api.ts';
import type {
  InspectOptions,
  StepRequest,
  TrainerApi,
  TrainerSetup,
  TrainingExample,
} from '../../shared/trainer-api.ts';

/** What the trainer client asks of the training host; pixels never travel. */
export type TrainingCall =
  | { call: 'inspect'; paths: readonly string[]; options: InspectOptions }
  | { call: 'open'; setup: TrainerSetup }
  | { call: 'step'; request: StepRequest }
  | { call: 'saveState'; path: string }
  | { call: 'saveWeights'; path: string; averaged: boolean }
  | { call: 'predict'; packagePath: string; paths: readonly string[]; dial: EngineDial }
  | { call: 'addFeatures'; packagePath: string; examples: readonly TrainingExample[]; dial: EngineDial }
  | { call: 'solveHead'; classes: number; smoothing: number; decay: number };

/** What each comes back with. */
export type TrainingCallResults = {
  [Name in TrainingCall['call']]: Awaited<ReturnType<TrainerApi[Name]>>;
};

export type TrainingRequest = TrainingCall & { id: number };
