/**
 * A name as names of people's files, folders and classes are compared: in any case, and however its accents are written
 * (composed as most systems do, or decomposed as macOS does). Names that some file system takes for the same are equal.
 */
export function foldName(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

/** The same without accents, for looking up what a person types. */
export function foldForSearch(text: string): string {
  return foldName(text).normalize('NFD').replace(/\p{M}/gu, '');
}
