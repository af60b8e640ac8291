/** Okabe and Ito's colours, then the same with stripes, then with dots: told apart without colour vision. */
const COLOURS = 7;
const PATTERNS = ['plain', 'striped', 'dotted'] as const;

export interface ClassLook {
  colour: string; // CSS
  pattern: (typeof PATTERNS)[number];
}

/** How the class at this rank is drawn in charts, the most frequent first. */
export function classLook(rank: number): ClassLook {
  const pattern = PATTERNS[Math.floor(rank / COLOURS) % PATTERNS.length] ?? 'plain';
  return { colour: `var(--class-${(rank % COLOURS) + 1})`, pattern };
}
