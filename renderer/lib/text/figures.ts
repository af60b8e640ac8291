import type { Language } from './messages.ts';

/** Groups of a number in English with its thousands separated or not, its decimals, and a percent sign. */
const FIGURE = /^(?=\.?\d)(\d{1,3}(?:,\d{3})+|\d*)(?:\.(\d+))?( ?%)?$/;
const NBSP = '\u00a0';

/**
 * English figures as a language writes them, with the digits that they have: `0.9, 48500` is `0,9; 48.500` in German. A
 * text that is not a list of figures stays as it is.
 */
export function localFigures(text: string, language: Language): string {
  const figures = text.split(', ').map((part) => FIGURE.exec(part));
  const parts = figures.map((found) => {
    if (found === null) return undefined;
    const [, whole = '', decimals = '', percent] = found;
    const digits = { minimumFractionDigits: decimals.length, maximumFractionDigits: decimals.length };
    const value = Number(`${whole.replaceAll(',', '')}.${decimals}0`);
    return `${new Intl.NumberFormat(language, digits).format(value)}${percent === undefined ? '' : `${NBSP}%`}`;
  });
  if (parts.includes(undefined)) return text;
  // A comma that separates decimals cannot separate the figures, too.
  return parts.join(parts.some((part) => part?.includes(',')) ? '; ' : ', ');
}
