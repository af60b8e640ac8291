import { CLASS_COLOURS } from '../../shared/class-colours.ts';

const GOLDEN_ANGLE = 137.508; // degrees
const LIGHTNESS = [0.45, 0.65, 0.3];

/** A colour for a class without one of its own, as `#rrggbb`: after the first ones, hues as far apart as can be. */
export function classColour(index: number): string {
  return (
    CLASS_COLOURS[index] ??
    fromHsl((index * GOLDEN_ANGLE) % 360, 0.8, LIGHTNESS[index % LIGHTNESS.length] ?? 0.5)
  );
}

function fromHsl(hue: number, saturation: number, lightness: number): string {
  const range = saturation * Math.min(lightness, 1 - lightness);
  const channel = (turn: number) => {
    const sector = (turn + hue / 30) % 12;
    return Math.round(255 * (lightness - range * Math.max(-1, Math.min(sector - 3, 9 - sector, 1))));
  };
  return `#${[0, 8, 4].map((turn) => channel(turn).toString(16).padStart(2, '0')).join('')}`;
}
