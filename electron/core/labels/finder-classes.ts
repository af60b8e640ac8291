import type { Staging } from './staging.ts';

/** The classes of the finder of what was read, each once, in order. */
export function finderLabels(staging: Staging): string[] {
  return [...new Set(staging.finderClasses().map(({ name }) => name))];
}

/** The index of each of the finder's classes among finderLabels, by its id; undefined where nothing was found first. */
export function finderClasses(staging: Staging): Map<string, number> | undefined {
  if (staging.stages === undefined) return undefined;
  const labels = finderLabels(staging);
  return new Map(staging.finderClasses().map(({ id, name }) => [id, labels.indexOf(name)]));
}
