import { connection } from './winnow.svelte.ts';

/** A value that is fetched: while `value` and `error` are undefined, it is being fetched. */
export interface Resource<Value> {
  readonly value: Value | undefined;
  readonly error: unknown;
  readonly isLoading: boolean;
  /** Fetches again; the present value stays until the new one is there. */
  reload(): Promise<void>;
}

/**
 * Fetches a value now, when a lost connection is back, and whenever state changes that `fetch` reads before its first
 * await. Of several fetches under way the last one counts. Call it while a component is set up.
 */
export function useResource<Value>(fetch: () => Promise<Value>): Resource<Value> {
  let value: Value | undefined = $state.raw();
  let error: unknown = $state.raw();
  let isLoading = $state(true);
  let latest = 0;

  async function take(promise: Promise<Value>): Promise<void> {
    const turn = ++latest;
    isLoading = true;
    try {
      const fetched = await promise;
      if (turn !== latest) return;
      value = fetched;
      error = undefined;
    } catch (reason) {
      if (turn === latest) error = reason;
    } finally {
      if (turn === latest) isLoading = false;
    }
  }

  $effect(() => {
    if (connection.returns < 0) return;
    const promise = fetch();
    void take(promise);
  });

  return {
    get value() {
      return value;
    },
    get error() {
      return error;
    },
    get isLoading() {
      return isLoading;
    },
    reload: () => take(fetch()),
  };
}
