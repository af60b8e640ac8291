import type { EngineDial, ModelInput } from '../../shared/engine-api.ts';
import type { Manifest } from '../../shared/model-package.ts';
import type { DetectionSettings } from '../../shared/run.ts';
import { forTask } from '../../shared/tasks.ts';

/** How pictures are made for a model. `inputSize`: pixels that a segmentation or detection model sees them at. */
export function modelInput(manifest: Manifest, inputSize: number = manifest.imageSize): ModelInput {
  return forTask<Manifest, ModelInput>(manifest, {
    classification: ({ task, preprocessing: { resize, crop } }) => ({ task, resize, crop }),
    segmentation: ({ task }) => ({ task, size: inputSize }),
    detection: ({ task }) => ({ task, size: inputSize }),
  });
}

/** Low scores are kept, so that a threshold can be a view; the rest as the original evaluates. */
export const DEFAULT_DETECTION: DetectionSettings = { minScore: 0.05, nmsIou: 0.5, maxDetections: 100 };

/** What a task asks of a prediction beside the dial, as the model was trained. */
export function taskSettings(manifest: Manifest): Pick<EngineDial, 'slideStride' | 'detection'> {
  return forTask<Manifest, Pick<EngineDial, 'slideStride' | 'detection'>>(manifest, {
    classification: () => ({}),
    segmentation: ({ head: { slideStride } }) => ({ slideStride }),
    detection: () => ({ detection: DEFAULT_DETECTION }),
  });
}

/** The share of the resized picture that the crop takes, as the original evaluates. */
const ORIGINAL_CROP_RATIO = 0.875;

/** Up to this size the original neither resizes nor crops. */
const LARGEST_UNSCALED_IMAGE = 32;

/** Pixels of a classified picture's shorter side before the crop: int(size / ratio), as the original computes it. */
export function resizedSide(imageSize: number, cropRatio = ORIGINAL_CROP_RATIO): number {
  return imageSize > LARGEST_UNSCALED_IMAGE ? Math.trunc(imageSize / cropRatio) : imageSize;
}
