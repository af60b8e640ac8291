import { createFormats } from '../../../renderer/lib/text/format.ts';
import { createTranslate } from '../../../renderer/lib/text/messages.ts';

/** What the window says in English: a message, with values that are formatted as the window formats them. */
export const say = createTranslate('en');
/** The same in German. */
export const sayGerman = createTranslate('de');
export const format = createFormats('en', say);
