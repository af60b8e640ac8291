/** Shares from 0 to 1; an end that is undefined lets through what has no confidence, too. */
export interface ConfidenceRange {
  min?: number | undefined;
  max?: number | undefined;
}

/** The range of a bin, one of `bins` equal ones from 0 to 1. */
export function binRange(bin: number, bins: number): ConfidenceRange {
  const round = (value: number) => Math.round(value * 1e6) / 1e6;
  return {
    min: bin === 0 ? undefined : round(bin / bins),
    max: bin === bins - 1 ? undefined : round((bin + 1) / bins),
  };
}

const PAGE = 10; // percentage points

/**
 * The two percentages after Page Up or Page Down on the thumb of one of them, which stops at the other one and at the
 * ends of the scale; undefined for another key.
 */
export function turnPage(
  [low, high]: readonly [number, number],
  thumb: number,
  key: string,
): [number, number] | undefined {
  const step = { PageUp: PAGE, PageDown: -PAGE }[key];
  if (step === undefined) return undefined;
  return thumb === 0
    ? [Math.max(0, Math.min(high, low + step)), high]
    : [low, Math.min(100, Math.max(low, high + step))];
}

/** The range between two percentages; an end of the scale is no limit. */
export function rangeOf(low: number, high: number): ConfidenceRange {
  return { min: low <= 0 ? undefined : low / 100, max: high >= 100 ? undefined : high / 100 };
}
