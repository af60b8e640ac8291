/**
 * Runs `work` for one request at a time: of the requests that come meanwhile only the latest is kept, so a slider that
 * is dragged asks as often as answers come, and the last position is always asked for.
 */
export class Latest<Request> {
  readonly #work: (request: Request) => Promise<void>;
  readonly #onError: (error: unknown) => void;
  #next: { request: Request } | undefined;
  #busy = false;

  constructor(work: (request: Request) => Promise<void>, onError: (error: unknown) => void) {
    this.#work = work;
    this.#onError = onError;
  }

  ask(request: Request): void {
    this.#next = { request };
    void this.#run();
  }

  async #run(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    while (this.#next !== undefined) {
      const { request } = this.#next;
      this.#next = undefined;
      try {
        await this.#work(request);
      } catch (error) {
        this.#onError(error);
      }
    }
    this.#busy = false;
  }
}
