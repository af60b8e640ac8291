import { createFormats } from './format.ts';
import { chooseLanguage, createTranslate } from './messages.ts';
import type { Language, MessageKey, MessageValues } from './messages.ts';
import { saidText } from './said.ts';

class Locale {
  language: Language = $state(chooseLanguage('system', navigator.languages));
  readonly translate = $derived(createTranslate(this.language));
  readonly formats = $derived(createFormats(this.language, this.translate));
}

export const locale = new Locale();

/** The text of a message in the window's language. */
export function t(key: MessageKey, values?: MessageValues): string {
  return locale.translate(key, values);
}

/** An English sentence in the window's language, unchanged where it has no translation; where no details are shown. */
export function said(text: string): string {
  return saidText(text, locale.language, t) ?? text;
}

/**
 * An English sentence as a notice: translated where the window speaks another language (a general sentence where it has no
 * translation), with the English one as details.
 */
export function told(text: string): { message: string; details?: string } {
  if (locale.language === 'en') return { message: text };
  return { message: saidText(text, locale.language, t) ?? t('told.untranslated'), details: text };
}

/** Numbers, durations, shares, sizes and dates in the window's language. */
export const format = {
  count: (value: number) => locale.formats.count(value),
  rate: (value: number) => locale.formats.rate(value),
  oneDigit: (value: number) => locale.formats.oneDigit(value),
  decimal: (value: number) => locale.formats.decimal(value),
  share: (value: number) => locale.formats.share(value),
  percent: (value: number) => locale.formats.percent(value),
  duration: (seconds: number) => locale.formats.duration(seconds),
  bytes: (value: number) => locale.formats.bytes(value),
  date: (iso: string) => locale.formats.date(iso),
};
