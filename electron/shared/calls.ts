import { AppError } from './errors.ts';

/**
 * What one process or thread asks of another, stated as an interface: methods that come back with promises. Their arguments
 * and results are values that can be copied from one to the other. Whoever asks has `callsOver`; whoever answers hands an
 * object with these methods to `makeCall`. A new call is a line of the interface and a method of that object.
 */
export type Calls<Api> = { [Name in keyof Api]: (...args: never) => Promise<unknown> };

/** The arguments of a call. */
export type ArgumentsOf<Api extends Calls<Api>, Name extends keyof Api = keyof Api> = Parameters<Api[Name]>;

/** What a call comes back with. */
export type ResultOf<Api extends Calls<Api>, Name extends keyof Api> = Awaited<ReturnType<Api[Name]>>;

/** A call on its way. `id`: chosen by whoever asks; the answer bears the same. */
export interface CallMessage {
  id: number;
  call: string;
  args: readonly unknown[];
}

/** The answer to a call on its way back; `Failure` is what an error is on the way. */
export type AnswerMessage<Failure> =
  { kind: 'value'; id: number; value: unknown } | { kind: 'error'; id: number; error: Failure };

/** The calls of `Api`, each of which is `ask` with its name and its arguments; beside them what `own` has. */
export function callsOver<Api extends Calls<Api>, Own extends object = object>(
  ask: (call: keyof Api & string, args: ArgumentsOf<Api>) => Promise<unknown>,
  own: Own,
): Api & Own {
  return new Proxy(own, {
    get(target, name) {
      // A promise that comes back with the calls looks for `then`; what looks at objects asks for symbols.
      if (name in target || typeof name === 'symbol' || name === 'then') return Reflect.get(target, name);
      return (...args: ArgumentsOf<Api>) => ask(name as keyof Api & string, args);
    },
  }) as Api & Own;
}

/** Makes a call on the one of `handlers` that has it, and gives back what that does. Throws ENGINE when none has. */
export function makeCall({ call, args }: Omit<CallMessage, 'id'>, handlers: readonly object[]): unknown {
  const handler = handlers.find((one) => call in one && !(call in Object.prototype));
  const method = handler && (handler as Record<string, unknown>)[call];
  if (typeof method !== 'function') throw new AppError('ENGINE', `There is no call ${call} to be made`);
  return Reflect.apply(method, handler, args);
}

/** Makes the call of a message and posts its answer; what is thrown on the way is posted as `toFailure` says. */
export async function answerMessage<Failure>(
  message: CallMessage,
  perform: (message: CallMessage) => unknown,
  toFailure: (error: unknown) => Failure,
  post: (answer: AnswerMessage<Failure>) => void,
): Promise<void> {
  const { id } = message;
  try {
    post({ kind: 'value', id, value: await perform(message) });
  } catch (error) {
    post({ kind: 'error', id, error: toFailure(error) });
  }
}

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}

/** Calls that were sent and are not answered yet. */
export class OpenCalls<Failure> {
  readonly #toError: (failure: Failure) => Error;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  /** `toError`: what an error is for whoever asked. */
  constructor(toError: (failure: Failure) => Error) {
    this.#toError = toError;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Sends a call; comes back with its answer. */
  send(call: string, args: readonly unknown[], post: (message: CallMessage) => void): Promise<unknown> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      try {
        post({ id, call, args });
      } catch (error) {
        this.#waiting.delete(id); // its arguments cannot be copied
        throw error;
      }
    });
  }

  /** Hands an answer to whoever waits for it, if anyone still does. */
  settle(answer: AnswerMessage<Failure>): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (answer.kind === 'error') waiting?.reject(this.#toError(answer.error));
    else waiting?.resolve(answer.value);
  }

  /** Rejects all that wait: no answer will come. */
  end(reason: () => Error): void {
    for (const { reject } of this.#waiting.values()) reject(reason());
    this.#waiting.clear();
  }
}
