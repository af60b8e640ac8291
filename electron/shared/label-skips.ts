/**
 * Everything of a file of labels that may have to be left out, as the end of a sentence that begins with a number. The window
 * says it in the person's language, by the message `labels.skip.<reason>`.
 */
const sentences = {
  noImage: 'about images that the file does not list',
  twice: 'about images that the file lists before',
  again: 'about images that the file lists before, to whose labels these were added',
  sameImage: 'about an image that another entry fits better',
  severalImages: 'that several images have the name of',
  video: 'about videos, of which only pictures are known here',
  besideFailure: 'about images that have detections and a failure, of which the failure holds',
  link: 'that are links or devices in the archive, which are not followed',
  badEntry: 'that cannot be read',
  badClass: 'of a class that the file does not name',
  columns: 'in rows with other cells than the header has columns',
  badBox: 'with a box that is none',
  badMask: 'with a mask that cannot be used, of which the box stays',
  noMask: 'without a mask that can be used, as an area of a class has to have',
  badScore: 'with a score outside of 0 to 1, which was brought there',
  outside: 'with a box wholly outside of its picture',
  clipped: 'with a box that reached out of its picture and was cut',
  sameBox: 'that are there twice',
  belowScore: 'with a smaller score than is asked for',
  moreLabels: 'beyond the five best labels of an image, which are all that is kept',
  imageLabels: 'that are about a whole image, beside which only boxes are kept',
  noArea: 'that are points or lines, without an area',
  noSize: 'about pictures whose size cannot be found out',
  otherSize: 'about pictures that have other sides here than when they were marked',
  scaled: 'about pictures that were marked at another scale, to which their boxes were brought',
  leftOut: 'of classes that are to be left out',
  noMasks: 'with a mask, of which reviews hold the box only',
  onlyAreas: 'that are areas of classes, of which reviews hold none',
  secondLabels: 'beside the first label of an image, which is all that a review holds',
  notReviewed: 'that no person has reviewed',
  secondClass: 'that a second model gave several classes, of which only the best is kept, as the label',
} as const;

export type SkipReason = keyof typeof sentences;

export const SKIP_REASONS = Object.keys(sentences) as SkipReason[];

/** Reasons that take nothing away: what they are about comes in, changed. */
export const ONLY_CHANGED: ReadonlySet<SkipReason> = new Set<SkipReason>([
  ...(['again', 'badMask', 'badScore', 'clipped', 'scaled', 'noMasks', 'secondClass'] as const),
]);

/** Something of a file that was left out, or changed: how often, and the first case. */
export interface Skipped {
  reason: SkipReason;
  count: number;
  example: string; // a line, an id, a name: where it is
}

/** The end of a sentence, such as `that cannot be read`. */
export function skipText(reason: SkipReason): string {
  return sentences[reason];
}
