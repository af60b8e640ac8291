/** What is said in one place of each architecture of classifiers. */
export interface ArchitectureRecord {
  title: string;
  about: string; // what tells it from the others
  /** Whether registers lie between the patches in place of a class token, and a neck narrows them for the head. */
  hasRegisters: boolean;
  isTrainable: boolean; // whether Winnow trains models of it
  isBackbone: boolean; // whether dense models are made of it
}

/**
 * Vim: arXiv 2401.09417, directions halved. VideoMamba: arXiv 2403.06977, directions summed. MambaReg: arXiv
 * 2405.14858, directions halved. docs/extending.md says what else a new one needs.
 */
export const ARCHITECTURES = {
  vim: {
    title: 'Vim',
    about: 'class token in the middle',
    hasRegisters: false,
    isTrainable: true,
    isBackbone: true,
  },
  videomamba: {
    title: 'VideoMamba',
    about: 'class token first',
    hasRegisters: false,
    isTrainable: true,
    isBackbone: false,
  },
  mambareg: {
    title: 'MambaReg',
    about: 'registers between the patches',
    hasRegisters: true,
    isTrainable: false,
    isBackbone: false,
  },
} as const satisfies Record<string, ArchitectureRecord>;

export type Architecture = keyof typeof ARCHITECTURES;
export const ARCHITECTURE_NAMES = Object.keys(ARCHITECTURES) as [Architecture, ...Architecture[]];

/** Architectures with a class token: their tensors look alike, so that a checkpoint has to say which one it is. */
export type ClassTokenArchitecture = {
  [Name in Architecture]: (typeof ARCHITECTURES)[Name]['hasRegisters'] extends false ? Name : never;
}[Architecture];
export const CLASS_TOKEN_ARCHITECTURES = ARCHITECTURE_NAMES.filter(
  (name): name is ClassTokenArchitecture => !ARCHITECTURES[name].hasRegisters,
);

/** Titles of the architectures that something holds of, with a word before the last. */
export function titlesOf(holds: (record: ArchitectureRecord) => boolean, word = 'or'): string {
  const titles = Object.values(ARCHITECTURES)
    .filter(holds)
    .map(({ title }) => title);
  return titles.length < 2 ? titles.join('') : `${titles.slice(0, -1).join(', ')} ${word} ${titles.at(-1)}`;
}
