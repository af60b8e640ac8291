import type { Label } from '../shared/model-package.ts';

/**
 * Indices of the classes that a person means by `text`: a synset, or a name in any case, with underscores for
 * spaces if they like. Several for the few names that two classes of ImageNet share; none when there is no such class.
 */
export function findClasses(labels: readonly Label[], text: string): number[] {
  const wanted = plain(text);
  return labels.flatMap(({ name, synset }, index) =>
    plain(name) === wanted || (synset !== undefined && plain(synset) === wanted) ? [index] : [],
  );
}

function plain(text: string): string {
  return text.trim().toLowerCase().replaceAll('_', ' ');
}
