/** Values by key, of which those that were used last are kept. */
export class LastUsed<Key, Value> {
  readonly #most: number;
  readonly #values = new Map<Key, Value>(); // the last used last

  /** `most`: how many are kept. */
  constructor(most: number) {
    this.#most = most;
  }

  /** The value of a key, made where it is not kept. */
  get(key: Key, make: () => Value): Value {
    const value = this.#values.get(key) ?? make();
    this.#values.delete(key);
    this.#values.set(key, value);
    for (const oldest of this.#values.keys()) {
      if (this.#values.size <= this.#most) break;
      this.#values.delete(oldest);
    }
    return value;
  }

  /** The values that are kept. */
  all(): Value[] {
    return [...this.#values.values()];
  }

  delete(key: Key): void {
    this.#values.delete(key);
  }

  clear(): void {
    this.#values.clear();
  }
}
