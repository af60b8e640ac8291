import type { Preset } from '../../../electron/shared/run.ts';
import type { Translate } from './messages.ts';

const named = ['fast', 'balanced', 'accurate'] as const;

/**
 * Name of a run's preset, or the settings of a point between the presets; with its input size where it has one. A run without
 * a preset is another tool's, and that is said in place of it.
 */
export function presetName(preset: Preset | undefined, translate: Translate): string {
  if (preset === undefined) return translate('preset.another-tool');
  const name = withoutSize(preset, translate);
  const { inputSize: side } = preset;
  return side === undefined ? name : translate('preset.at-size', { name, side });
}

function withoutSize({ name, tokenKeep, precision }: Preset, translate: Translate): string {
  const known = named.find((candidate) => candidate === name);
  if (known !== undefined) return translate(`preset.${known}`);
  const [keep] = tokenKeep;
  return keep === undefined
    ? translate('preset.between', { precision })
    : translate('preset.between-keep', { precision, keep: Math.round(keep * 100) });
}
