import { oneLine } from '../shared/terminal-text.ts';
import type { LabelRule, Preset, RunSpec } from '../shared/run.ts';

export { oneLine } from '../shared/terminal-text.ts';

/** 0.1234 -> "12.3 %". */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** 0.98765 -> "98.77 %", where a tenth of a point matters. */
export function finePercent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}

/** A difference of shares in percentage points: 0.0035 -> "0.35". */
export function points(difference: number): string {
  return (difference * 100).toFixed(2).replace('-0.00', '0.00');
}

/** Token keep ratios as a person reads them. */
export function ratios(tokenKeep: readonly number[]): string {
  return tokenKeep.map((ratio) => Number(ratio.toFixed(3))).join(', ') || 'all';
}

/** A preset's settings as a person reads them. */
export function presetText({ tokenKeep, blockThreshold, precision, inputSize }: Preset): string {
  const kept = tokenKeep.length === 0 ? 'no pruning of patches' : `patches kept ${ratios(tokenKeep)}`;
  const size = inputSize === undefined ? [] : [`pictures at ${inputSize} pixels`];
  return [kept, `block threshold ${blockThreshold}`, precision, ...size].join('; ');
}

/** What a run of a segmentation or detection model has beside its preset; undefined for a classifier. */
export function taskText({ detection, slideStride }: RunSpec): string | undefined {
  if (slideStride !== undefined) return `windows every ${count(slideStride, 'pixel')}`;
  if (detection === undefined) return undefined;
  const { minScore, nmsIou, maxDetections } = detection;
  return `scores from ${minScore}, boxes of a class overlap by ${nmsIou} at most, ${count(maxDetections, 'object')} per image at most`;
}

/** What a run finds before its model labels it, and how. */
export function findText({ find }: RunSpec): string | undefined {
  if (find === undefined) return undefined;
  const { modelName, run, minScore, margin, rule, pass } = find;
  const from = run === undefined ? modelName : `the boxes of run ${run.id} (${modelName})`;
  const kept = pass.length === 0 ? '' : `; ${pass.map(oneLine).join(', ')} not labelled`;
  const cut = margin === undefined ? '' : `, margin ${margin}`;
  return `${from}; boxes from ${minScore}${cut}; an image's label: ${RULES[rule]}${kept}`;
}

const RULES: Record<LabelRule, string> = {
  best: "its best box's",
  most: 'that of most boxes',
  all: 'all with their counts',
};

/** Seconds as h:mm:ss or m:ss. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const padded = (value: number) => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${padded(minutes)}:${padded(rest)}` : `${minutes}:${padded(rest)}`;
}

/** 3110000000 -> "3.11 G". */
export function quantity(value: number): string {
  const scale = [
    [1e12, 'T'],
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const;
  const [unit, letter] = scale.find(([size]) => value >= size) ?? [1, ''];
  return `${Number((value / unit).toPrecision(3))} ${letter}`.trimEnd();
}

/** 3110000000 -> "3.11 GB". */
export function bytes(value: number): string {
  return value < 1000 ? `${value} B` : `${quantity(value)}B`;
}

/** "1 image", "2 images". */
export function count(value: number, noun: string): string {
  return `${value.toLocaleString('en')} ${noun}${value === 1 ? '' : 's'}`;
}
