import { IntlMessageFormat } from 'intl-messageformat';
import en from '../../messages/en.json' with { type: 'json' };
import { localFigures } from './figures.ts';
import type { Language, MessageKey, MessageValues, Translate } from './messages.ts';

/**
 * Sentences that reach the window in English: from the core, the hosts or native code, and from libraries and journals
 * of earlier versions. Each is a message whose key begins with `said.`: its English text is matched, values included,
 * and the same key gives the sentence in the window's language.
 */
const PREFIX = 'said.';

interface Sentence {
  key: MessageKey;
  pattern: RegExp;
  names: { name: string; isNumber: boolean }[]; // of the pattern's groups
  literal: number; // characters that are not values
}

type Elements = ReturnType<IntlMessageFormat['getAst']>;

// Types of the elements of a message, of @formatjs/icu-messageformat-parser.
const LITERAL = 0;
const POUND = 7;
const NUMBER = String.raw`(\d[\d,]*)`;
/** Values that are sentences, or parts of them, and so are translated too; others, such as names, are not. */
const NESTED = new Set([
  'error',
  'fault',
  'head',
  'kind',
  'other',
  'problem',
  'pruning',
  'reason',
  'stages',
  'task',
  'what',
]);
/** Values that are figures, which are written as in the window's language. */
const FIGURES = new Set([
  'holdout',
  'images',
  'paper',
  'parentShare',
  'rate',
  'ratio',
  'ratios',
  'share',
  'size',
  'work',
]);
const DEEPEST = 4; // levels of sentences within sentences

let sentences: Sentence[] | undefined;

/** The most specific first: of two that match, the one with more literal characters is taken. */
function allSentences(): Sentence[] {
  sentences ??= (Object.keys(en) as MessageKey[])
    .filter((key) => key.startsWith(PREFIX))
    .map(toSentence)
    .sort((one, other) => other.literal - one.literal);
  return sentences;
}

function toSentence(key: MessageKey): Sentence {
  const sentence: Sentence = { key, pattern: /^$/, names: [], literal: 0 };
  const source = sourceOf(new IntlMessageFormat(en[key], 'en').getAst(), sentence, undefined);
  return { ...sentence, pattern: new RegExp(`^${source}$`, 's') };
}

/** Source of a message's regular expression, with a group for each value. `counted`: the value that `#` stands for. */
function sourceOf(elements: Elements, sentence: Sentence, counted: string | undefined): string {
  return elements
    .map((element) => {
      if ('options' in element) {
        const options = Object.values(element.options).map(({ value }) =>
          sourceOf(value, sentence, element.value),
        );
        return `(?:${options.join('|')})`;
      }
      const type: number = element.type;
      if (type === POUND || !('value' in element)) {
        sentence.names.push({ name: counted ?? '', isNumber: true });
        return NUMBER;
      }
      if (type === LITERAL) {
        sentence.literal += element.value.length;
        return escape(element.value);
      }
      sentence.names.push({ name: element.value, isNumber: false });
      return '(.+?)';
    })
    .join('');
}

const escape = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`);

/**
 * An English text in the window's language; undefined where it has no translation. Values that are sentences are
 * translated too; of several sentences, each must be known.
 */
export function saidText(text: string, language: Language, t: Translate, depth = 0): string | undefined {
  if (language === 'en') return text;
  if (depth > DEEPEST) return undefined;
  return (
    oneSentence(text, language, t, depth) ??
    oneSentence(decapitalised(text), language, t, depth) ??
    severalSentences(text, language, t, depth)
  );
}

const decapitalised = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);

function oneSentence(text: string, language: Language, t: Translate, depth: number): string | undefined {
  const end = /\.\s*$/.test(text) ? '.' : '';
  const bare = text.replace(/\.\s*$/, '');
  for (const { key, pattern, names } of allSentences()) {
    const found = pattern.exec(bare);
    if (found === null) continue;
    const values: MessageValues = {};
    for (const [index, { name, isNumber }] of names.entries()) {
      const value = found[index + 1];
      if (value === undefined) continue;
      if (isNumber) values[name] = Number(value.replaceAll(',', ''));
      else if (FIGURES.has(name)) values[name] = localFigures(value, language);
      else values[name] = (NESTED.has(name) ? saidText(value, language, t, depth + 1) : undefined) ?? value;
    }
    // The option for one has no number in its text.
    for (const { name, isNumber } of names) if (isNumber) values[name] ??= 1;
    return t(key, values).replace(/\.$/, '') + end;
  }
  return undefined;
}

/** Two or more sentences, each of which is known. */
function severalSentences(text: string, language: Language, t: Translate, depth: number): string | undefined {
  for (const { index } of text.matchAll(/(?<=[.!?]) /g)) {
    const first = oneSentence(text.slice(0, index), language, t, depth);
    if (first === undefined) continue;
    const rest = saidText(text.slice(index + 1), language, t, depth + 1);
    if (rest !== undefined) return `${first} ${rest}`;
  }
  return undefined;
}
