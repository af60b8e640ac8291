/**
 * Runs `work` one at a time for the latest request: requests that come while one is under way replace each other, so a
 * slider that is dragged asks as often as answers come and ends with the last position.
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
