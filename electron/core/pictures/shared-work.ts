interface Work<T> {
  result: Promise<T>;
  controller: AbortController;
  waiting: number; // callers that still want it
}

/** Work that several callers may want at the same time: it is done once, and given up when none wants it any more. */
export class SharedWork<T> {
  readonly #underWay = new Map<string, Work<T>>();

  /** The result of `start`, or of the work under way for the same key. Rejects when `signal` aborts. */
  async take(
    key: string,
    signal: AbortSignal | undefined,
    start: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted();
    const work = this.#underWay.get(key) ?? this.#begin(key, start);
    work.waiting++;
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const leave = () => reject(signal?.reason);
    signal?.addEventListener('abort', leave);
    try {
      return await Promise.race([work.result, aborted]);
    } finally {
      signal?.removeEventListener('abort', leave);
      if (--work.waiting === 0) this.#forget(key, work);
    }
  }

  #begin(key: string, start: (signal: AbortSignal) => Promise<T>): Work<T> {
    const controller = new AbortController();
    const work = { result: start(controller.signal), controller, waiting: 0 };
    work.result.catch(() => undefined); // whoever still waits for it hears of it
    this.#underWay.set(key, work);
    return work;
  }

  #forget(key: string, work: Work<T>): void {
    work.controller.abort();
    if (this.#underWay.get(key) === work) this.#underWay.delete(key);
  }
}
