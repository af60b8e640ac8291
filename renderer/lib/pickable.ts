import type { ClassNames } from '../../electron/shared/api/results.ts';
import { matchNames } from './match-names.ts';

/** Names that can be chosen, under one heading. */
export interface PickGroup {
  /** Classes of the model; labels that people have given; the typed text as a new label. */
  kind: 'classes' | 'own' | 'new';
  names: string[];
  first: number; // index of its first name among those of all groups
}

const SHOWN = 40; // names of a group, at most

/** The names that match a text: classes, then people's own labels, then the text itself where it is none of them. */
export function pickable({ classes, own }: ClassNames, text: string): PickGroup[] {
  const typed = text.trim();
  const isNew = typed !== '' && !classes.includes(typed) && !own.includes(typed);
  const groups: Omit<PickGroup, 'first'>[] = [
    { kind: 'classes', names: matchNames(classes, typed, SHOWN) },
    { kind: 'own', names: matchNames(own, typed, SHOWN) },
    { kind: 'new', names: isNew ? [typed] : [] },
  ];
  let first = 0;
  return groups
    .filter(({ names }) => names.length > 0)
    .map((group) => {
      const placed = { ...group, first };
      first += group.names.length;
      return placed;
    });
}
