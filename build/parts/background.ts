import type { Random } from './random.ts';

export type Colour = [red: number, green: number, blue: number]; // 0 to 1, linear

/** The colour of a table at a place; one unit is the width of the picture. */
export type Background = (x: number, y: number) => Colour;

/** Smooth noise over the plane, from -1 to 1, of one seed. */
function noise(random: Random): (x: number, y: number) => number {
  const table = Float64Array.from({ length: 256 }, () => random.between(-1, 1));
  const offset = random.whole(0, 255);
  const corner = (x: number, y: number) => table[(x * 73 + y * 151 + x * y * 7 + offset) & 255] ?? 0;
  return (x, y) => {
    const [left, top] = [Math.floor(x), Math.floor(y)];
    const [dx, dy] = [x - left, y - top];
    const [u, v] = [dx * dx * (3 - 2 * dx), dy * dy * (3 - 2 * dy)];
    const upper = corner(left, top) * (1 - u) + corner(left + 1, top) * u;
    const lower = corner(left, top + 1) * (1 - u) + corner(left + 1, top + 1) * u;
    return upper * (1 - v) + lower * v;
  };
}

/** Noise of several sizes, each half as large and half as strong as the one before. */
function grain(random: Random, octaves: number): (x: number, y: number) => number {
  const layers = Array.from({ length: octaves }, () => noise(random));
  return (x, y) =>
    layers.reduce((sum, layer, octave) => sum + layer(x * 2 ** octave, y * 2 ** octave) / 2 ** octave, 0);
}

const shade = ([red, green, blue]: Colour, factor: number): Colour => [
  Math.max(0, red * factor),
  Math.max(0, green * factor),
  Math.max(0, blue * factor),
];

const tones: Record<'wood' | 'cloth' | 'card' | 'paint', Colour[]> = {
  wood: [
    [0.42, 0.24, 0.11],
    [0.3, 0.15, 0.07],
    [0.55, 0.38, 0.2],
  ],
  cloth: [
    [0.07, 0.12, 0.28],
    [0.3, 0.06, 0.06],
    [0.1, 0.1, 0.1],
    [0.5, 0.48, 0.42],
  ],
  card: [
    [0.5, 0.36, 0.2],
    [0.75, 0.73, 0.68],
    [0.32, 0.34, 0.36],
  ],
  paint: [
    [0.06, 0.2, 0.12],
    [0.1, 0.18, 0.32],
    [0.6, 0.58, 0.52],
    [0.45, 0.4, 0.08],
  ],
};

function wood(random: Random): Background {
  const tone = random.pick(tones.wood);
  const [fibre, ring] = [grain(random, 3), noise(random)];
  const rings = random.between(4, 12);
  return (x, y) => {
    const wave = Math.sin(rings * (y + 0.25 * ring(x * 1.5, y * 3)) * 2);
    return shade(tone, 1 + 0.16 * wave + 0.2 * fibre(x * 3, y * 40));
  };
}

function metal(random: Random): Background {
  const level = random.between(0.18, 0.5);
  const brushed = grain(random, 3);
  const broad = noise(random);
  return (x, y) =>
    shade([level, level, level * 1.04], 1 + 0.22 * brushed(x * 2, y * 90) + 0.25 * broad(x * 2, y * 2));
}

function concrete(random: Random): Background {
  const level = random.between(0.16, 0.42);
  const rough = grain(random, 5);
  return (x, y) => shade([level * 1.03, level, level * 0.96], 1 + 0.45 * rough(x * 9, y * 9));
}

function cloth(random: Random): Background {
  const tone = random.pick(tones.cloth);
  const threads = random.between(30, 60);
  const folds = noise(random);
  return (x, y) => {
    const weave = Math.sin(threads * Math.PI * x) * Math.sin(threads * Math.PI * y);
    return shade(tone, 1 + 0.3 * weave + 0.35 * folds(x * 3, y * 3));
  };
}

function card(random: Random): Background {
  const tone = random.pick(tones.card);
  const fibre = grain(random, 4);
  return (x, y) => shade(tone, 1 + 0.14 * fibre(x * 30, y * 12));
}

/** Painted sheet with a grid of lines, as a cutting mat has. */
function paint(random: Random): Background {
  const tone = random.pick(tones.paint);
  const dirt = grain(random, 4);
  const step = random.chance(0.5) ? random.between(0.1, 0.3) : Infinity;
  const [fromX, fromY] = [random.between(0, 1), random.between(0, 1)];
  const onLine = (value: number) => Math.abs(value - Math.round(value)) * step < 0.006;
  return (x, y) => {
    const line = step < 1 && (onLine((x + fromX) / step) || onLine((y + fromY) / step));
    return shade(tone, (line ? 1.7 : 1) + 0.25 * dirt(x * 4, y * 4));
  };
}

/** Small things that lie about: shavings, drops and scratches. */
function litter(random: Random, table: Background): Background {
  const things = Array.from({ length: random.whole(0, 14) }, () => {
    const [x, y, size] = [random.between(-0.1, 1.1), random.between(-0.1, 1.1), random.between(0.006, 0.035)];
    const angle = random.between(0, Math.PI);
    const long = size * random.pick([1, 1, 6, 12]);
    const tone = random.pick<Colour>([
      [0.55, 0.53, 0.5],
      [0.03, 0.03, 0.03],
      [0.35, 0.25, 0.1],
    ]);
    return { x, y, size, long, cos: Math.cos(angle), sin: Math.sin(angle), tone };
  });
  return (x, y) => {
    for (const thing of things) {
      const [dx, dy] = [x - thing.x, y - thing.y];
      const along = (dx * thing.cos + dy * thing.sin) / thing.long;
      const across = (dy * thing.cos - dx * thing.sin) / thing.size;
      if (along * along + across * across < 0.25) return thing.tone;
    }
    return table(x, y);
  };
}

/** A table top of some kind, turned and littered. */
export function makeBackground(random: Random): Background {
  const table = random.pick([wood, metal, concrete, cloth, card, paint])(random);
  const littered = litter(random, table);
  const angle = random.between(0, 2 * Math.PI);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return (x, y) => littered(x * cos - y * sin + 7, x * sin + y * cos + 7);
}
