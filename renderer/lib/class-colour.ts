import { CLASS_COLOURS } from '../../electron/shared/class-colours.ts';

/** Every colour first plain, then with stripes, then with dots. */
const PATTERNS = ['plain', 'striped', 'dotted'] as const;
type Pattern = (typeof PATTERNS)[number];

export interface ClassLook {
  colour: string; // CSS
  pattern: Pattern;
}

/** How the class at this rank is drawn in charts, the most frequent first. */
export function classLook(rank: number): ClassLook {
  return { colour: `var(--class-${(rank % CLASS_COLOURS.length) + 1})`, pattern: patternOf(rank) };
}

/** The same for a canvas, which knows no variables of CSS. */
export interface ClassPaint {
  colour: string; // #rrggbb
  pattern: Pattern;
  /** Lengths of a line's dashes and of the gaps between them, CSS pixels; none of a line that goes through. */
  dash: number[];
}

const DASHES: Record<Pattern, number[]> = { plain: [], striped: [10, 4], dotted: [3, 3] };

export function classPaint(rank: number): ClassPaint {
  const pattern = patternOf(rank);
  return { colour: CLASS_COLOURS[rank % CLASS_COLOURS.length] ?? '', pattern, dash: DASHES[pattern] };
}

function patternOf(rank: number): Pattern {
  return PATTERNS[Math.floor(rank / CLASS_COLOURS.length) % PATTERNS.length] ?? 'plain';
}

/** Gives every class of a run one look in all its pictures: by its index among the names, and after them for others. */
export class ClassRanks {
  readonly #ranks: Map<string, number>;

  constructor(names: readonly string[]) {
    this.#ranks = new Map(names.map((name, rank) => [name, rank]));
  }

  of(label: string): number {
    const known = this.#ranks.get(label);
    if (known !== undefined) return known;
    const rank = this.#ranks.size;
    this.#ranks.set(label, rank);
    return rank;
  }
}
