import type { EngineDial, ModelInput } from '../shared/engine-api.ts';
import type { Manifest } from '../shared/model-package.ts';
import type { DetectionSettings } from '../shared/run.ts';

/** How pictures are made for a model. `inputSize`: pixels that a segmentation or detection model sees them at. */
export function modelInput(manifest: Manifest, inputSize: number = manifest.imageSize): ModelInput {
  if (manifest.task !== 'classification') return { task: manifest.task, size: inputSize };
  const { resize, crop } = manifest.preprocessing;
  return { task: manifest.task, resize, crop };
}

/** Low scores are kept, so that a threshold can be a view; the rest as the original evaluates. */
export const DEFAULT_DETECTION: DetectionSettings = { minScore: 0.05, nmsIou: 0.5, maxDetections: 100 };

/** What a task asks of a prediction beside the dial, as the model was trained. */
export function taskSettings(manifest: Manifest): Pick<EngineDial, 'slideStride' | 'detection'> {
  if (manifest.task === 'segmentation') return { slideStride: manifest.head.slideStride };
  return manifest.task === 'detection' ? { detection: DEFAULT_DETECTION } : {};
}
