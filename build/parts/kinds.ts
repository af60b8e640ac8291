import type { Random } from './random.ts';
import { ball, block, coil, cone, cylinder, moved, norm, prism, rod, spun, threadedShaft } from './solids.ts';
import { tipped, torus, union, without } from './solids.ts';
import type { Solid } from './solids.ts';

/** A kind of workshop part. */
export interface Kind {
  name: string;
  /** How it lies on a table: flat with its z axis up, or that axis in the table; of these, round ones roll on it. */
  lies: 'flat' | 'on its side' | 'rolled';
  /** One of its kind, with proportions of its own, inside a sphere of radius 1. */
  make: (random: Random) => Solid;
}

const right = Math.PI / 2;

function bolt(random: Random): Solid {
  const shaft = random.between(0.22, 0.3);
  const length = random.between(1.3, 1.7);
  const top = length / 2;
  const thread = { pitch: random.between(0.07, 0.11), depth: 0.2 * shaft };
  const head = shaft * random.between(1.75, 2);
  return union(
    moved(prism(6, head, shaft * 0.45), 0, 0, top),
    threadedShaft({ low: shaft, high: shaft, bottom: -length / 2, top }, thread),
  );
}

function nut(random: Random): Solid {
  const size = random.between(0.6, 0.8);
  const half = size * random.between(0.3, 0.5);
  const hole = size * random.between(0.5, 0.66);
  return without(
    prism(6, size, half),
    threadedShaft(
      { low: hole, high: hole, bottom: -1, top: 1 },
      { pitch: random.between(0.1, 0.16), depth: 0.12 * hole },
    ),
  );
}

function washer(random: Random): Solid {
  const size = random.between(0.7, 0.95);
  return without(cylinder(size, random.between(0.035, 0.08)), cylinder(size * random.between(0.38, 0.6), 1));
}

function gear(random: Random): Solid {
  const teeth = random.whole(10, 22);
  const size = random.between(0.72, 0.88);
  const tooth = size * random.between(0.09, 0.14);
  const half = random.between(0.1, 0.22);
  const wheel: Solid = (x, y, z) => {
    const wave = Math.cos(teeth * Math.atan2(y, x));
    const radius = size + tooth * Math.min(1, Math.max(-1, 1.8 * wave)) * 0.5;
    return 0.6 * Math.max(norm(x, y) - radius, Math.abs(z) - half);
  };
  const bore = cylinder(size * random.between(0.16, 0.28), 1);
  const hub = cylinder(size * 0.4, half * random.between(1.2, 1.6));
  if (!random.chance(0.5)) return without(union(wheel, hub), bore);
  const holes = random.whole(4, 6);
  const around = Array.from({ length: holes }, (_, index) => {
    const angle = (2 * Math.PI * index) / holes;
    return moved(cylinder(size * 0.14, 1), size * 0.62 * Math.cos(angle), size * 0.62 * Math.sin(angle), 0);
  });
  return without(union(without(wheel, ...around), hub), bore);
}

function spring(random: Random): Solid {
  const radius = random.between(0.26, 0.42);
  const wire = radius * random.between(0.16, 0.26);
  const pitch = wire * random.between(2.6, 4.2);
  return coil(radius, wire, pitch, random.between(0.6, 0.85));
}

function bearing(random: Random): Solid {
  const outer = random.between(0.78, 0.92);
  const inner = outer * random.between(0.36, 0.48);
  const half = random.between(0.16, 0.26);
  const wall = (outer - inner) * 0.27;
  const middle = (outer + inner) / 2;
  const balls = random.whole(7, 10);
  const rings = union(
    without(cylinder(outer, half), cylinder(outer - wall, 1)),
    without(cylinder(inner + wall, half), cylinder(inner, 1)),
  );
  const radius = (outer - inner) / 2 - wall * 0.8;
  const step = (2 * Math.PI) / balls;
  const one = ball(radius);
  const cage: Solid = (x, y, z) => {
    const angle = Math.atan2(y, x);
    const near = step * Math.round(angle / step);
    return one(x - middle * Math.cos(near), y - middle * Math.sin(near), z);
  };
  return union(rings, cage);
}

function screw(random: Random): Solid {
  const head = random.between(0.42, 0.52);
  const shaft = head * random.between(0.38, 0.46);
  const length = random.between(1.3, 1.7);
  const top = length / 2;
  const neck = top - head * 0.6;
  const tip = -length / 2;
  const slotWidth = head * 0.13;
  const slot = moved(block(1, slotWidth, head * 0.22, 0), 0, 0, top);
  const cross = moved(block(slotWidth, 1, head * 0.22, 0), 0, 0, top);
  const thread = { pitch: random.between(0.12, 0.18), depth: shaft * 0.35 };
  const body = union(
    cone(shaft * 0.8, head, neck, top),
    threadedShaft({ low: shaft, high: shaft, bottom: tip + 0.3, top: neck }, thread),
    threadedShaft({ low: 0.02, high: shaft, bottom: tip, top: tip + 0.3 }, { ...thread, depth: 0 }),
  );
  return random.chance(0.5) ? without(body, slot) : without(body, slot, cross);
}

function wingNut(random: Random): Solid {
  const hub = random.between(0.28, 0.35);
  const wing = random.between(0.36, 0.42);
  const out = hub + wing * 0.75;
  const spread = random.between(0.2, 0.45);
  const half = 0.07;
  const disc: Solid = (x, y, z) => 0.9 * Math.max(norm(x, z) - wing, Math.abs(y) - half);
  const body = union(
    cone(hub * 1.1, hub * 0.9, -hub * 0.8, hub * 0.8),
    moved(disc, out, 0, spread),
    moved(disc, -out, 0, spread),
    rod([-out, 0, spread * 0.6], [out, 0, spread * 0.6], 0.09),
  );
  return without(body, cylinder(hub * 0.55, 2));
}

function eyeBolt(random: Random): Solid {
  const eye = random.between(0.36, 0.42);
  const wire = eye * random.between(0.3, 0.38);
  const shaft = wire * random.between(0.9, 1.1);
  const top = 0.95 - eye - wire;
  return union(
    moved(tipped(torus(eye, wire), right), 0, 0, top),
    threadedShaft(
      { low: shaft, high: shaft, bottom: random.between(-0.95, -0.75), top: top - eye + wire * 0.3 },
      { pitch: 0.09, depth: shaft * 0.2 },
    ),
  );
}

function bracket(random: Random): Solid {
  const [long, other] = [random.between(0.55, 0.7), random.between(0.4, 0.7)];
  const width = random.between(0.3, 0.42);
  const sheet = random.between(0.04, 0.07);
  const hole = width * random.between(0.3, 0.42);
  const flat = moved(block(long, width, sheet), long - sheet, 0, 0);
  const upright = moved(block(sheet, width, other), 0, 0, other - sheet);
  const drill = cylinder(hole, 0.3);
  const holes = [
    moved(drill, long * 0.75, 0, 0),
    moved(drill, long * 1.5, 0, 0),
    moved(spun(tipped(drill, right), right), 0, 0, other * 1.2),
  ];
  return moved(without(union(flat, upright), ...holes), -long / 2, 0, -other / 2);
}

function circlip(random: Random): Solid {
  const size = random.between(0.68, 0.82);
  const wall = size * random.between(0.13, 0.19);
  const half = random.between(0.035, 0.06);
  const gap = random.between(0.16, 0.3);
  const ring = without(cylinder(size, half), cylinder(size - wall, 1));
  const opening = moved(block(0.4, gap * size, 1, 0), size, 0, 0);
  const ear = wall * 0.95;
  const ears = [-1, 1].map((side) => {
    const [x, y] = [size - wall * 0.4, side * (gap * size + ear * 0.6)];
    return without(moved(cylinder(ear, half), x, y, 0), moved(cylinder(ear * 0.45, 1), x, y, 0));
  });
  return union(without(ring, opening), ...ears);
}

function splitPin(random: Random): Solid {
  const eye = random.between(0.22, 0.28);
  const wire = eye * random.between(0.36, 0.46);
  const top = 0.9 - eye;
  const spread = random.between(0.14, 0.4);
  const short = random.between(-0.9, -0.7);
  return union(
    moved(tipped(torus(eye, wire), right), 0, 0, top),
    rod([wire, 0, top - eye], [wire + spread, 0, -0.92], wire),
    rod([-wire, 0, top - eye], [-wire - spread, 0, short], wire),
  );
}

/** The twelve kinds, in the order of their classes. */
export const kinds: readonly Kind[] = [
  { name: 'bearing', lies: 'flat', make: bearing },
  { name: 'bolt', lies: 'rolled', make: bolt },
  { name: 'bracket', lies: 'flat', make: bracket },
  { name: 'circlip', lies: 'flat', make: circlip },
  { name: 'eye bolt', lies: 'on its side', make: eyeBolt },
  { name: 'gear', lies: 'flat', make: gear },
  { name: 'nut', lies: 'flat', make: nut },
  { name: 'screw', lies: 'rolled', make: screw },
  { name: 'split pin', lies: 'on its side', make: splitPin },
  { name: 'spring', lies: 'rolled', make: spring },
  { name: 'washer', lies: 'flat', make: washer },
  { name: 'wing nut', lies: 'flat', make: wingNut },
];
