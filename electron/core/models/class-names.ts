import { foldName } from '../../shared/fold-name.ts';
import type { Label } from '../../shared/model-package.ts';

/**
 * Indices of the classes that a person means by `text`: a synset, or a name in any case, with underscores for
 * spaces if they like. Several for the few names that two classes of ImageNet share; none when there is no such class.
 */
export function findClasses(labels: readonly Label[], text: string): number[] {
  return classFinder(labels)(text);
}

/** findClasses for many texts. */
export function classFinder(labels: readonly Label[]): (text: string) => number[] {
  const indices = new Map<string, number[]>();
  for (const [index, { name, synset }] of labels.entries()) {
    const keys = new Set(synset === undefined ? [foldClass(name)] : [foldClass(name), foldClass(synset)]);
    for (const key of keys) indices.set(key, [...(indices.get(key) ?? []), index]);
  }
  return (text) => indices.get(foldClass(text)) ?? [];
}

/** Name of a sub-folder -> the classes that it stands for. */
export type ClassFolders = Map<string, readonly number[]>;

/** Those of the folder names that name a class, in order. */
export function matchFolders(labels: readonly Label[], folders: readonly string[]): ClassFolders {
  const find = classFinder(labels);
  const matched = [...folders].sort().map((name) => [name, find(name)] as const);
  return new Map(matched.filter(([, classes]) => classes.length > 0));
}

/** Every pair of a folder and a class that it stands for, as `<folder>/<class>`. */
export function rightPairs(folders: ClassFolders): string[] {
  return [...folders].flatMap(([name, classes]) => classes.map((index) => `${name}/${index}`));
}

/**
 * The names of classes as they are shown and as reviews hold them, by index; no two are equal. Where classes share a
 * name, the synset stands behind it, or the class's number where that tells them no better apart.
 */
export function displayNames(labels: readonly Label[]): string[] {
  const withSynset = tellApart(
    labels.map(({ name }) => name),
    (index) => labels[index]?.synset ?? `class ${index}`,
  );
  return tellApart(withSynset, (index) => `class ${index}`);
}

/** The names of classes as they are shown, in an order that only they determine: equal for models of the same classes. */
export function sortedClassNames(labels: readonly Label[]): string[] {
  return displayNames(labels).sort();
}

/** Adds the remark in brackets to names that are there more than once. */
function tellApart(names: readonly string[], remark: (index: number) => string): string[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return names.map((name, index) => ((counts.get(name) ?? 0) > 1 ? `${name} (${remark(index)})` : name));
}

/** A name as names of classes are compared: as foldName does, and with underscores for spaces. */
export function foldClass(name: string): string {
  return foldName(name).trim().replaceAll('_', ' ');
}
