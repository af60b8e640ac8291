import type { ItemBox, ResultItem } from '../../../electron/shared/api/results.ts';
import type { Formats } from '../../lib/text/format.ts';
import { labelText } from '../../lib/text/label-text.ts';
import { problemText } from '../../lib/text/problem-text.ts';
import type { Translate } from '../../lib/text/messages.ts';

/** Below this confidence a label is called uncertain. */
export const UNCERTAIN = 0.5;

export function isUncertain({ status, confidence, verified }: ResultItem): boolean {
  return status === 'ok' && !verified && confidence !== undefined && confidence < UNCERTAIN;
}

export function fileName(relativePath: string): string {
  return relativePath.slice(relativePath.lastIndexOf('/') + 1);
}

/** The boxes of a picture that are shown: a person's, or the model's of at least `minScore`. */
export function shownBoxes(item: Pick<ResultItem, 'boxes'> | undefined, minScore: number): ItemBox[] {
  return (item?.boxes ?? []).filter(({ score }) => score === undefined || score >= minScore);
}

/** The caption of a picture: label and confidence, or why there is none. */
export function shortCaption(item: ResultItem, format: Pick<Formats, 'share'>, t: Translate): string {
  if (item.label === undefined) {
    return item.status === 'failed' ? t('results.failed') : t('results.pending');
  }
  const isOwn = item.label !== item.modelLabel;
  const label = labelText(item.label, t);
  return isOwn || item.confidence === undefined ? label : `${label} ${format.share(item.confidence)}`;
}

export interface Place {
  index: number;
  count: number;
  note?: string | undefined;
  /** Boxes that are drawn on the picture. */
  boxes?: readonly ItemBox[];
}

/** An image for screen readers: `fox, 93 %, 2 boxes, verified, 12 of 3,400`. */
export function describeItem(
  item: ResultItem | undefined,
  { index, count, note, boxes = [] }: Place,
  format: Pick<Formats, 'share' | 'count'>,
  t: Translate,
): string {
  const place = t('results.place', { index: format.count(index + 1), count: format.count(count) });
  if (item === undefined) return place;
  const parts = [
    shortCaption({ ...item, confidence: undefined }, format, t),
    item.label === item.modelLabel && item.confidence !== undefined
      ? format.share(item.confidence)
      : undefined,
    note,
    boxes.length === 0 ? undefined : t('results.boxes', { count: boxes.length }),
    item.verified ? t('results.verified') : undefined,
    isUncertain(item) ? t('results.uncertain') : undefined,
    problemText(item, t),
    fileName(item.relativePath),
    place,
  ];
  return parts.filter((part) => part !== undefined).join(', ');
}
