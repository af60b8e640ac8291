/**
 * Solids as signed distances: how far a point is from the surface, negative inside. Lengths have no unit; a part fits a
 * sphere of radius 1. Some are bounds, smaller than the distance, where that is simpler.
 */
export type Solid = (x: number, y: number, z: number) => number;

/** Length of a vector. Unlike Math.hypot it is exact to the same bit on every machine, and many times as fast. */
export function norm(x: number, y: number, z = 0): number {
  return Math.sqrt(x * x + y * y + z * z);
}

/** Around the z axis, from -half to half. */
export function cylinder(radius: number, half: number): Solid {
  return (x, y, z) => Math.max(norm(x, y) - radius, Math.abs(z) - half);
}

/** A prism with so many sides around the z axis, `radius` from the middle of a side. */
export function prism(sides: number, radius: number, half: number): Solid {
  const sector = (2 * Math.PI) / sides;
  return (x, y, z) => {
    const angle = Math.atan2(y, x);
    const inSector = angle - sector * Math.round(angle / sector);
    return Math.max(norm(x, y) * Math.cos(inSector) - radius, Math.abs(z) - half);
  };
}

/** A ring of round wire around the z axis. */
export function torus(radius: number, wire: number): Solid {
  return (x, y, z) => norm(norm(x, y) - radius, z) - wire;
}

export function ball(radius: number): Solid {
  return (x, y, z) => norm(x, y, z) - radius;
}

/** With half sides and rounded edges. */
export function block(a: number, b: number, c: number, round = 0.02): Solid {
  return (x, y, z) => {
    const [dx, dy, dz] = [Math.abs(x) - a + round, Math.abs(y) - b + round, Math.abs(z) - c + round];
    const outside = norm(Math.max(dx, 0), Math.max(dy, 0), Math.max(dz, 0));
    return outside + Math.min(Math.max(dx, dy, dz), 0) - round;
  };
}

/** A rod with round ends between two points. */
export function rod(from: readonly number[], to: readonly number[], radius: number): Solid {
  const [ax = 0, ay = 0, az = 0] = from;
  const [bx = 0, by = 0, bz = 0] = to;
  const [dx, dy, dz] = [bx - ax, by - ay, bz - az];
  const square = dx * dx + dy * dy + dz * dz;
  return (x, y, z) => {
    const along = ((x - ax) * dx + (y - ay) * dy + (z - az) * dz) / square;
    const t = Math.min(1, Math.max(0, along));
    return norm(x - ax - t * dx, y - ay - t * dy, z - az - t * dz) - radius;
  };
}

/** A shaft around the z axis whose radius goes from `low` to `high` over its length, with a thread on it. */
export function threadedShaft(
  { low, high, bottom, top }: { low: number; high: number; bottom: number; top: number },
  thread: { pitch: number; depth: number },
): Solid {
  const middle = (bottom + top) / 2;
  const half = (top - bottom) / 2;
  return (x, y, z) => {
    const share = Math.min(1, Math.max(0, (z - bottom) / (top - bottom)));
    const turn = z / thread.pitch - Math.atan2(y, x) / (2 * Math.PI);
    const ridge = thread.depth * 2 * Math.abs(turn - Math.round(turn));
    const radius = low + (high - low) * share - ridge;
    return 0.7 * Math.max(norm(x, y) - radius, Math.abs(z - middle) - half);
  };
}

/** A cone around the z axis between two heights. */
export function cone(low: number, high: number, bottom: number, top: number): Solid {
  return threadedShaft({ low, high, bottom, top }, { pitch: 1, depth: 0 });
}

/** Wire wound around the z axis. */
export function coil(radius: number, wire: number, pitch: number, half: number): Solid {
  const slope = Math.cos(Math.atan(pitch / (2 * Math.PI * radius)));
  return (x, y, z) => {
    const turn = z / pitch - Math.atan2(y, x) / (2 * Math.PI);
    const rise = (turn - Math.round(turn)) * pitch * slope;
    const distance = norm(norm(x, y) - radius, rise) - wire;
    return 0.8 * Math.max(distance, Math.abs(z) - half);
  };
}

export function union(...solids: readonly Solid[]): Solid {
  return (x, y, z) => {
    let least = Infinity;
    for (const solid of solids) least = Math.min(least, solid(x, y, z));
    return least;
  };
}

/** The first without the others. */
export function without(solid: Solid, ...others: readonly Solid[]): Solid {
  return (x, y, z) => {
    let most = solid(x, y, z);
    for (const other of others) most = Math.max(most, -other(x, y, z));
    return most;
  };
}

export function moved(solid: Solid, dx: number, dy: number, dz: number): Solid {
  return (x, y, z) => solid(x - dx, y - dy, z - dz);
}

/** Turned around the x axis, so that what pointed along z points along y at a right angle. */
export function tipped(solid: Solid, angle: number): Solid {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return (x, y, z) => solid(x, y * cos - z * sin, y * sin + z * cos);
}

/** Turned around the z axis. */
export function spun(solid: Solid, angle: number): Solid {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return (x, y, z) => solid(x * cos + y * sin, y * cos - x * sin, z);
}
