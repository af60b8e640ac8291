const LONGEST = 200; // characters

/** A value as JSON for a sentence; of a long one the beginning. */
export function shortJson(value: unknown): string {
  const text = value === undefined ? 'undefined' : JSON.stringify(value);
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST).toWellFormed()}...`;
}
