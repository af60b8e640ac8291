/** At most so many of the items, evenly over all. */
export function spread<T>(items: readonly T[], most: number): T[] {
  const step = Math.min(1, most / items.length);
  return items.filter((_, index) => Math.floor((index + 1) * step) > Math.floor(index * step));
}
