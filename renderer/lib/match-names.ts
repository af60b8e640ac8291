import { foldForSearch } from '../../electron/shared/fold-name.ts';

/**
 * Names that have all words of a text, in any case and without accents; those that start with it come first, then those
 * with a word that does. At most `limit`.
 */
export function matchNames(names: readonly string[], text: string, limit: number): string[] {
  const wanted = foldForSearch(text).trim();
  if (wanted === '') return names.slice(0, limit);
  const words = wanted.split(/\s+/);
  const ranks: string[][] = [[], [], []];
  for (const name of names) {
    const folded = foldForSearch(name);
    if (!words.every((word) => folded.includes(word))) continue;
    const rank = folded.startsWith(wanted)
      ? 0
      : words.every((word) => ` ${folded}`.includes(` ${word}`))
        ? 1
        : 2;
    ranks[rank]?.push(name);
  }
  return ranks.flat().slice(0, limit);
}
