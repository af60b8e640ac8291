/** The run lengths of every value in a picture whose pixels are looked at one after the other. */
export class ValueRuns {
  readonly #values = new Map<number, { runs: number[]; end: number }>();

  /** A value stands from one pixel to before another. Of each value, what comes later in the picture is told later. */
  take(value: number, start: number, end: number): void {
    const known = this.#values.get(value);
    if (known === undefined) this.#values.set(value, { runs: [start, end - start], end });
    else if (known.end === start) {
      known.runs[known.runs.length - 1] = (known.runs.at(-1) ?? 0) + end - start;
      known.end = end;
    } else {
      known.runs.push(start - known.end, end - start);
      known.end = end;
    }
  }

  /** The runs of each value in a picture of so many pixels: outside of it and inside by turns. */
  finish(pixels: number): Map<number, number[]> {
    for (const { runs, end } of this.#values.values()) if (end < pixels) runs.push(pixels - end);
    return new Map([...this.#values].map(([value, { runs }]) => [value, runs]));
  }
}
