import type { FoundEvaluation } from '../../shared/api/results.ts';
import { AppError } from '../../shared/errors.ts';
import type { Task } from '../../shared/model-package.ts';
import type { Library } from '../store/library.ts';
import type { RunRow } from '../store/tables/runs.ts';
import { evaluateDetections } from './evaluate-detections.ts';
import { evaluateMaps } from './evaluate-maps.ts';

type Evaluation = (library: Library, run: RunRow, truth: string) => Promise<FoundEvaluation>;

const EVALUATIONS: Record<Task, Evaluation> = {
  classification: (_, run) => {
    throw new AppError(
      'BAD_ARGUMENT',
      `Expected a run of a detection or segmentation model, but run ${run.id} is of a classifier`,
      'It is compared with folders that are named after classes.',
    );
  },
  segmentation: evaluateMaps,
  detection: evaluateDetections,
};

/**
 * Compares a run, finished or not, with what people marked: of a detection model with COCO annotations, of a segmentation
 * model with a folder of class maps. Throws BAD_ARGUMENT for other models, and whatever keeps the truth from being used.
 */
export function evaluateFound(library: Library, run: RunRow, truth: string): Promise<FoundEvaluation> {
  const { task } = library.models.get(run.spec.modelSha256).manifest;
  return EVALUATIONS[task](library, run, truth);
}
