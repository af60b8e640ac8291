import { scaleLinear } from 'd3-scale';

export interface Point {
  x: number;
  y: number;
}

const TICKS = 4;

/** An axis: the range it shows and the values that are written beside it. */
export interface Axis {
  from: number;
  to: number;
  ticks: number[];
}

/** From 0 to a round number above all values. */
export function axisFromNought(values: readonly number[]): Axis {
  return axisOver(0, Math.max(0, ...values) || 1);
}

/** An axis around shares from 0 to 1, at least 0.1 long, since smaller differences are mostly chance. */
export function axisOfShares(shares: readonly number[]): Axis {
  if (shares.length === 0) return axisOver(0, 1);
  const [least, most] = [Math.min(...shares), Math.max(...shares)];
  const missing = Math.max(0, 0.1 - (most - least)) / 2;
  const { from, to } = axisOver(Math.max(0, least - missing), Math.min(1, most + missing));
  return axisOver(Math.max(0, from), Math.min(1, to));
}

function axisOver(from: number, to: number): Axis {
  const scale = scaleLinear([from, to], [0, 1]).nice(TICKS);
  const [first = from, last = to] = scale.domain();
  return { from: first, to: last, ticks: scale.ticks(TICKS) };
}

/** Position of a value on an axis, in percent of its length. */
export function place(value: number, { from, to }: Pick<Axis, 'from' | 'to'>): number {
  return to === from ? 0 : (100 * (value - from)) / (to - from);
}

/** Moving average over `width` points, over fewer near the ends, so that the end points keep their values. */
export function smooth(points: readonly Point[], width: number): Point[] {
  const half = Math.floor(width / 2);
  return points.map(({ x }, index) => {
    const reach = Math.min(half, index, points.length - 1 - index);
    const around = points.slice(index - reach, index + reach + 1);
    return { x, y: around.reduce((sum, { y }) => sum + y, 0) / around.length };
  });
}

/** Drops every second item until at most `most` are left; the last one stays. */
export function thin<Item>(items: readonly Item[], most: number): Item[] {
  let left = [...items];
  while (left.length > most) left = left.filter((_, index) => (left.length - 1 - index) % 2 === 0);
  return left;
}

/** Moves positions apart that are closer than `gap`, keeping their order and staying between 0 and `length`. */
export function spreadApart(positions: readonly number[], gap: number, length: number): number[] {
  const order = positions.map((_, index) => index).sort((a, b) => (positions[a] ?? 0) - (positions[b] ?? 0));
  const spread = [...positions];
  let least = 0;
  for (const index of order) {
    spread[index] = Math.max(least, spread[index] ?? 0);
    least = spread[index] + gap;
  }
  let most = length;
  for (const index of order.toReversed()) {
    spread[index] = Math.min(most, spread[index] ?? 0);
    most = spread[index] - gap;
  }
  return spread;
}
