import type { Translate } from './messages.ts';

/** A label as a person reads it: the empty label means that nothing was found in the image. */
export const labelText = (label: string, translate: Translate) =>
  label === '' ? translate('results.nothing-found') : label;
