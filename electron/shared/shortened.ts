export const LONGEST_QUOTE = 80; // characters; kLongestQuote of native/ops/shortened.h

/**
 * A text that comes from outside, such as a name or value of a file, for a sentence: the first 80 characters (code points) of
 * a longer one, and an ellipsis.
 */
export function shortened(text: string): string {
  if (text.length <= LONGEST_QUOTE) return text;
  const characters = Array.from(text.slice(0, 2 * LONGEST_QUOTE + 2));
  if (characters.length <= LONGEST_QUOTE) return text;
  return `${characters.slice(0, LONGEST_QUOTE).join('').toWellFormed()}…`;
}

/** A value as JSON for a sentence, shortened. */
export function shortJson(value: unknown): string {
  return shortened(value === undefined ? 'undefined' : JSON.stringify(value));
}
