import { createFormats } from '../../../renderer/lib/text/format.ts';
import { createTranslate } from '../../../renderer/lib/text/messages.ts';

/** What the window says in English: a message, with values that are formatted as the window formats them. */
export const say = createTranslate('en');
/** The same in German. */
export const sayGerman = createTranslate('de');
export const format = createFormats('en', say);

/** The values `count` and `countText` of messages about a number. */
export const counted = (count: number) => ({ count, countText: format.count(count) });

/** The values `images` and `imagesText`. */
export const ofImages = (images: number) => ({ images, imagesText: format.count(images) });
