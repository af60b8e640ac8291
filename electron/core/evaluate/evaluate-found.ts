import type { FoundEvaluation } from '../../shared/api/results.ts';
import { AppError } from '../../shared/errors.ts';
import type { Library } from '../store/library.ts';
import type { RunRow } from '../store/tables/runs.ts';
import { evaluateDetections } from './evaluate-detections.ts';
import { evaluateMaps } from './evaluate-maps.ts';

/**
 * Compares a run, finished or not, with what people marked: of a detection model with COCO annotations, of a segmentation
 * model with a folder of class maps. Throws BAD_ARGUMENT for other models, and whatever keeps the truth from being used.
 */
export function evaluateFound(library: Library, run: RunRow, truth: string): Promise<FoundEvaluation> {
  const { task } = library.models.get(run.spec.modelSha256).manifest;
  if (task === 'detection') return evaluateDetections(library, run, truth);
  if (task === 'segmentation') return evaluateMaps(library, run, truth);
  throw new AppError(
    'BAD_ARGUMENT',
    `Expected a run of a detection or segmentation model, but run ${run.id} is of a classifier`,
    'It is compared with folders that are named after classes.',
  );
}
