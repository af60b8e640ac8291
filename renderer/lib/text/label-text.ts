import type { Translate } from './messages.ts';

/** A label in words: that of an image in which nothing was found is empty. */
export const labelText = (label: string, translate: Translate) =>
  label === '' ? translate('results.nothing-found') : label;
