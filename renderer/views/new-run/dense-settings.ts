import type { AppArguments } from '../../../electron/shared/app-api.ts';
import type { Manifest } from '../../../electron/shared/model-package.ts';

/** Settings of segmentation and detection models; null leaves one to the model. */
export interface DenseSettings {
  inputSize: number | null; // pixels
  minScore: number | null; // 0 to 1
  maxDetections: number | null;
  slideStride: number | null; // pixels
}

type Part = Pick<AppArguments<'estimateRun'>, 'inputSize' | 'minScore' | 'maxDetections' | 'slideStride'>;

/** Those of the settings that a model of this task uses, as arguments of a run. */
export function settingsOf({ task }: Pick<Manifest, 'task'>, settings: DenseSettings): Part {
  const names: readonly (keyof DenseSettings)[] = {
    classification: [] as const,
    detection: ['inputSize', 'minScore', 'maxDetections'] as const,
    segmentation: ['inputSize', 'slideStride'] as const,
  }[task];
  const given = names.flatMap((name) => {
    const value = settings[name];
    return typeof value === 'number' && Number.isFinite(value) ? [[name, value] as const] : [];
  });
  return Object.fromEntries(given);
}
