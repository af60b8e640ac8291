/** Kinds in a text with commas between them; `none` says that there are none. */
export function kindsOf(text: string): string[] {
  if (text.trim() === 'none') return [];
  return text
    .split(',')
    .map((kind) => kind.trim())
    .filter((kind) => kind !== '');
}
