import { makeBackground } from './background.ts';
import type { Background, Colour } from './background.ts';
import { kinds } from './kinds.ts';
import type { Kind } from './kinds.ts';
import { Random } from './random.ts';
import { norm } from './solids.ts';
import type { Solid } from './solids.ts';

/** A part in a picture. */
export interface DrawnPart {
  classIndex: number; // in `kinds`
  /** One byte per pixel, row by row: 1 where the part is what is seen. */
  mask: Uint8Array;
  box: { x: number; y: number; width: number; height: number }; // pixels, around the mask
}

export interface DrawnPicture {
  pixels: Uint8Array; // RGB, row by row
  side: number;
  parts: DrawnPart[]; // that are seen at all
}

export interface DrawOptions {
  side: number; // pixels of the square picture
  /** Classes of the parts to draw. */
  classes: readonly number[];
}

/** The rows of a rotation from the table to a part. */
type Turn = Record<'right' | 'front' | 'up', { x: number; y: number; z: number }>;

/** A part that lies on the table. */
interface PlacedPart {
  classIndex: number;
  solid: Solid;
  x: number; // of its middle; the picture goes from 0 to 1
  y: number;
  scale: number; // its radius
  turn: Turn;
  lowest: number; // of its surface above the table's 0, in its own radius
  colour: Colour;
  gloss: number;
}

const SAMPLES = 2; // rays per pixel and side
const STEPS = 48;
const NEAR = 0.002;
const REACH = 1.1; // of a part from its middle, in its own radius, and a little
const LONGEST_SHADOW = 3; // radii of the part

const metals: readonly { colour: Colour; gloss: number }[] = [
  { colour: [0.58, 0.58, 0.6], gloss: 0.9 }, // steel
  { colour: [0.42, 0.43, 0.45], gloss: 0.6 },
  { colour: [0.66, 0.5, 0.2], gloss: 0.85 }, // brass
  { colour: [0.55, 0.3, 0.18], gloss: 0.7 }, // copper
  { colour: [0.06, 0.06, 0.07], gloss: 0.5 }, // black oxide
  { colour: [0.6, 0.57, 0.42], gloss: 0.7 }, // zinc, yellow
  { colour: [0.28, 0.15, 0.08], gloss: 0.15 }, // rust
];

/** Draws parts on a table. Equal seeds and options give equal pictures, on every machine with the same mathematics. */
export function drawPicture(seed: number, { side, classes }: DrawOptions): DrawnPicture {
  const random = new Random(seed);
  const background = makeBackground(random);
  const parts = placeParts(random, classes);
  const light = makeLight(random);
  const rays = side * SAMPLES;
  const seen = new Int16Array(rays * rays).fill(-1);
  const colours = new Float64Array(rays * rays * 3);
  for (let row = 0; row < rays; row++) {
    for (let column = 0; column < rays; column++) {
      const [x, y] = [(column + 0.5) / rays, (row + 0.5) / rays];
      const ray = row * rays + column;
      const hit = trace(parts, x, y);
      const colour = hit === undefined ? onTable(background, parts, light, x, y) : onPart(hit, light);
      if (hit !== undefined) seen[ray] = parts.indexOf(hit.part);
      colours.set(colour, ray * 3);
    }
  }
  const small = shrink(colours, rays, side);
  return { pixels: photograph(random, small, side), side, parts: partsSeen(seen, parts, rays, side) };
}

interface Hit {
  part: PlacedPart;
  height: number;
  normal: [number, number, number];
}

function placeParts(random: Random, classes: readonly number[]): PlacedPart[] {
  const placed: PlacedPart[] = [];
  for (const classIndex of classes) {
    const kind = kinds[classIndex];
    if (kind === undefined) throw new Error(`There is no kind ${classIndex}`);
    const scale = classes.length === 1 ? random.between(0.36, 0.47) : random.between(0.1, 0.22);
    // Beside the others, if there is room.
    let [x, y] = [0, 0];
    for (let attempt = 0; attempt < 30; attempt++) {
      const margin = classes.length === 1 ? 0.42 : scale * 0.8;
      [x, y] = [random.between(margin, 1 - margin), random.between(margin, 1 - margin)];
      if (placed.every((other) => norm(other.x - x, other.y - y) > 0.85 * (other.scale + scale))) break;
    }
    const solid = kind.make(random);
    const turn = makeTurn(random, kind.lies);
    const { colour, gloss } = random.pick(metals);
    const tint = random.between(0.8, 1.2);
    const lowest = lowestPoint(solid, turn);
    const own: Colour = [colour[0] * tint, colour[1] * tint, colour[2] * tint];
    placed.push({ classIndex, solid, x, y, scale, turn, lowest, colour: own, gloss });
  }
  return placed;
}

/** Somehow around the upright axis, tipped a little; parts that do not lie flat are laid down first. */
function makeTurn(random: Random, lies: Kind['lies']): Turn {
  const tilt = random.chance(0.8) ? random.normal(0.16) : random.between(-0.7, 0.7);
  const turned = random.chance(0.5) ? 0 : Math.PI;
  const laid = lies === 'flat' ? turned + tilt : Math.PI / 2 + tilt * 0.7;
  const around = random.between(0, 2 * Math.PI); // in the picture
  const roll = lies === 'on its side' ? turned + random.normal(0.2) : random.between(0, 2 * Math.PI); // around its own axis
  const [ca, sa, cl, sl, cr, sr] = [around, laid, roll].flatMap((angle) => [
    Math.cos(angle),
    Math.sin(angle),
  ]) as [number, number, number, number, number, number];
  // Rz(roll) Rx(laid) Rz(around)
  return {
    right: { x: cr * ca - sr * cl * sa, y: cr * sa + sr * cl * ca, z: sr * sl },
    front: { x: -sr * ca - cr * cl * sa, y: -sr * sa + cr * cl * ca, z: cr * sl },
    up: { x: sl * sa, y: -sl * ca, z: cl },
  };
}

/** Distance in the table's axes, in the part's own radius. */
function distanceAt(
  { solid, turn }: Pick<PlacedPart, 'solid' | 'turn'>,
  x: number,
  y: number,
  z: number,
): number {
  const { right, front, up } = turn;
  return solid(
    right.x * x + right.y * y + right.z * z,
    front.x * x + front.y * y + front.z * z,
    up.x * x + up.y * y + up.z * z,
  );
}

/** How far below its middle a part reaches, found on a few rays from below. */
function lowestPoint(solid: Solid, turn: Turn): number {
  let lowest = 0;
  for (let row = -4; row <= 4; row++) {
    for (let column = -4; column <= 4; column++) {
      let height = -1.1;
      for (let step = 0; step < 24 && height < lowest; step++) {
        const distance = distanceAt({ solid, turn }, row / 4.5, column / 4.5, height);
        if (distance < 0.01) {
          lowest = height;
          break;
        }
        height += distance;
      }
    }
  }
  return lowest;
}

/** What a ray straight down meets first. */
function trace(parts: readonly PlacedPart[], x: number, y: number): Hit | undefined {
  let best: Hit | undefined;
  for (const part of parts) {
    const [dx, dy] = [(x - part.x) / part.scale, (y - part.y) / part.scale];
    const square = dx * dx + dy * dy;
    if (square > 1.1) continue;
    let z = Math.sqrt(1.1 - square);
    for (let step = 0; step < STEPS && z > -1.05; step++) {
      const distance = distanceAt(part, dx, dy, z);
      if (distance < NEAR) {
        const height = (z - part.lowest) * part.scale;
        if (best === undefined || height > best.height)
          best = { part, height, normal: normalAt(part, dx, dy, z) };
        break;
      }
      z -= distance;
    }
  }
  return best;
}

function normalAt(part: PlacedPart, x: number, y: number, z: number): [number, number, number] {
  const small = 0.004;
  const here = distanceAt(part, x, y, z);
  const [nx, ny, nz] = [
    distanceAt(part, x + small, y, z) - here,
    distanceAt(part, x, y + small, z) - here,
    distanceAt(part, x, y, z + small) - here,
  ];
  const length = norm(nx, ny, nz) || 1;
  return [nx / length, ny / length, nz / length];
}

interface Light {
  direction: [number, number, number]; // towards it
  strength: number;
  ambient: number;
  softness: number;
  tint: Colour;
  /** What polished metal mirrors, by the direction: bright windows and dark corners. */
  mirrored: (x: number, y: number, z: number) => number;
}

function makeLight(random: Random): Light {
  const around = random.between(0, 2 * Math.PI);
  const height = random.between(0.55, 1.3);
  const direction: Light['direction'] = [
    Math.cos(around) * Math.cos(height),
    Math.sin(around) * Math.cos(height),
    Math.sin(height),
  ];
  const warm = random.between(-0.12, 0.12);
  const [waves, phase, side] = [random.between(2, 6), random.between(0, 6), random.between(0, Math.PI)];
  return {
    direction,
    strength: random.between(0.6, 1.3),
    ambient: random.between(0.3, 0.65),
    softness: random.between(3, 14),
    tint: [1 + warm, 1, 1 - warm],
    mirrored: (x, y, z) =>
      0.55 + 0.3 * z + 0.3 * Math.sin(waves * (x * Math.cos(side) + y * Math.sin(side)) + phase),
  };
}

function onPart({ part, normal: [nx, ny, nz] }: Hit, light: Light): Colour {
  const [lx, ly, lz] = light.direction;
  const facing = Math.max(0, nx * lx + ny * ly + nz * lz);
  // Mirrored straight down: r = 2 (n . up) n - up.
  const [rx, ry, rz] = [2 * nz * nx, 2 * nz * ny, 2 * nz * nz - 1];
  const glare = Math.max(0, rx * lx + ry * ly + rz * lz) ** 24 * part.gloss * light.strength;
  const mirrored = Math.max(0, light.mirrored(rx, ry, rz));
  const diffuse = light.ambient * (0.6 + 0.4 * nz) + light.strength * facing;
  const share = 0.65 * part.gloss;
  return part.colour.map((value, channel) => {
    const lit = value * ((1 - share) * diffuse + share * mirrored * (light.ambient + 0.6 * light.strength));
    return (lit + 0.5 * glare) * (light.tint[channel] ?? 1);
  }) as Colour;
}

function onTable(
  background: Background,
  parts: readonly PlacedPart[],
  light: Light,
  x: number,
  y: number,
): Colour {
  const [lx, ly, lz] = light.direction;
  let open = 1; // share of the light that arrives
  let near = 1; // darkening beside what stands there
  for (const part of parts) {
    const [dx, dy] = [(x - part.x) / part.scale, (y - part.y) / part.scale];
    if (dx * dx + dy * dy > 6) continue;
    near = Math.min(near, 0.55 + 1.1 * Math.max(0, distanceAt(part, dx, dy, part.lowest + 0.05)));
    if (passesBy(part, light, dx, dy)) continue;
    let t = 0.03;
    for (let step = 0; step < 14 && t < LONGEST_SHADOW; step++) {
      const distance = distanceAt(part, dx + lx * t, dy + ly * t, part.lowest + lz * t);
      open = Math.min(open, Math.max(0, (light.softness * distance) / t));
      if (open < 0.01) break;
      t += Math.max(0.05, distance);
    }
  }
  const lit = light.ambient * near + light.strength * lz * open;
  return background(x, y).map((value, channel) => value * lit * (light.tint[channel] ?? 1)) as Colour;
}

/** Whether light on its way to this place of the table passes a part too far away to be dimmed by it. */
function passesBy({ lowest }: PlacedPart, { direction, softness }: Light, dx: number, dy: number): boolean {
  const [lx, ly, lz] = direction;
  const along = Math.max(0, -(dx * lx + dy * ly + lowest * lz));
  const distance = norm(dx + along * lx, dy + along * ly, lowest + along * lz) - REACH;
  return softness * distance >= LONGEST_SHADOW;
}

/** Means of SAMPLES x SAMPLES rays. */
function shrink(colours: Float64Array, rays: number, side: number): Float64Array {
  const small = new Float64Array(side * side * 3);
  for (let row = 0; row < rays; row++)
    for (let column = 0; column < rays; column++) {
      const target = (Math.floor(row / SAMPLES) * side + Math.floor(column / SAMPLES)) * 3;
      const source = (row * rays + column) * 3;
      for (let channel = 0; channel < 3; channel++)
        small[target + channel] =
          (small[target + channel] ?? 0) + (colours[source + channel] ?? 0) / SAMPLES ** 2;
    }
  return small;
}

/** What a camera makes of light: focus, vignette, exposure, noise, 8 bits with a gamma of 2.2. */
function photograph(random: Random, light: Float64Array, side: number): Uint8Array {
  const focused = blur(light, side, random.chance(0.5) ? 0 : random.between(0.1, 0.3));
  const exposure = random.between(0.75, 1.5);
  const vignette = random.between(0, 0.5);
  const grain = random.between(0.002, 0.035);
  const pixels = new Uint8Array(side * side * 3);
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++) {
      const [dx, dy] = [(column + 0.5) / side - 0.5, (row + 0.5) / side - 0.5];
      const gain = exposure * (1 - vignette * (dx * dx + dy * dy));
      for (let channel = 0; channel < 3; channel++) {
        const at = (row * side + column) * 3 + channel;
        const value = Math.max(0, (focused[at] ?? 0) * gain) ** (1 / 2.2) + random.normal(grain);
        pixels[at] = Math.round(255 * Math.min(1, Math.max(0, value)));
      }
    }
  return pixels;
}

/** Each pixel shares so much of its light with its neighbours in both axes, half to each side. */
function blur(light: Float64Array, side: number, share: number): Float64Array {
  if (share === 0) return light;
  let from = light;
  for (const stride of [3, side * 3]) {
    const to = new Float64Array(from.length);
    for (let at = 0; at < from.length; at++) {
      const coordinate = Math.floor(at / stride) % side;
      const before = coordinate === 0 ? at : at - stride;
      const after = coordinate === side - 1 ? at : at + stride;
      to[at] = (1 - share) * (from[at] ?? 0) + (share / 2) * ((from[before] ?? 0) + (from[after] ?? 0));
    }
    from = to;
  }
  return from;
}

/** A pixel belongs to a part that at least half of its rays meet. */
function partsSeen(seen: Int16Array, parts: readonly PlacedPart[], rays: number, side: number): DrawnPart[] {
  return parts.flatMap(({ classIndex }, index) => {
    const mask = new Uint8Array(side * side);
    let [left, top, right, bottom] = [side, side, -1, -1];
    for (let row = 0; row < side; row++)
      for (let column = 0; column < side; column++) {
        let hits = 0;
        for (let dy = 0; dy < SAMPLES; dy++)
          for (let dx = 0; dx < SAMPLES; dx++)
            if (seen[(row * SAMPLES + dy) * rays + column * SAMPLES + dx] === index) hits++;
        if (hits * 2 < SAMPLES ** 2) continue;
        mask[row * side + column] = 1;
        [left, right] = [Math.min(left, column), Math.max(right, column)];
        [top, bottom] = [Math.min(top, row), Math.max(bottom, row)];
      }
    if (right < 0) return [];
    return [
      { classIndex, mask, box: { x: left, y: top, width: right - left + 1, height: bottom - top + 1 } },
    ];
  });
}
