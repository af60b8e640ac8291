import { IntlMessageFormat } from 'intl-messageformat';
import de from '../../messages/de.json' with { type: 'json' };
import en from '../../messages/en.json' with { type: 'json' };

export type MessageKey = keyof typeof en;
export type Language = 'en' | 'de';
export type MessageValues = Record<string, string | number>;
export type Translate = (key: MessageKey, values?: MessageValues) => string;

const texts: Record<Language, Record<MessageKey, string>> = { en, de };

/** The language of a setting; `system` is the first of the preferred languages that has messages. */
export function chooseLanguage(setting: 'system' | Language, preferred: readonly string[]): Language {
  if (setting !== 'system') return setting;
  for (const tag of preferred) {
    const language = tag.split('-')[0];
    if (language === 'en' || language === 'de') return language;
  }
  return 'en';
}

/** Texts of one language. Messages are in ICU MessageFormat, which also formats the whole numbers in them. */
export function createTranslate(language: Language): Translate {
  const compiled = new Map<MessageKey, IntlMessageFormat>();
  return (key, values) => {
    const message =
      compiled.get(key) ??
      new IntlMessageFormat(texts[language][key], language, undefined, { ignoreTag: true });
    compiled.set(key, message);
    return String(message.format(values));
  };
}
