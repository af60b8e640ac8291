import type { Label } from '../../shared/model-package.ts';
import { printable, type PickleValue } from './pickle-values.ts';

/** The names and colours that mmseg writes into a checkpoint's `meta`; undefined when there are none. */
export function recordedLabels(meta: PickleValue | undefined): Label[] | undefined {
  const names = meta instanceof Map ? meta.get('CLASSES') : undefined;
  const palette = meta instanceof Map ? meta.get('PALETTE') : undefined;
  if (!Array.isArray(names)) return undefined;
  const labels = names.flatMap((name, index) => {
    if (typeof name !== 'string' || name.trim() === '') return [];
    const colour = Array.isArray(palette) ? colourText(palette[index]) : undefined;
    return [{ name: printable(name.trim()), ...(colour === undefined ? {} : { colour }) }];
  });
  return labels.length === names.length ? labels : undefined;
}

function colourText(rgb: PickleValue | undefined): string | undefined {
  if (!Array.isArray(rgb) || rgb.length !== 3) return undefined;
  const digits = rgb.map((value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 256
      ? value.toString(16).padStart(2, '0')
      : '',
  );
  return digits.includes('') ? undefined : `#${digits.join('')}`;
}
