import { callsOver, OpenCalls } from '../../shared/calls.ts';
import type { ArgumentsOf, Calls } from '../../shared/calls.ts';
import { AppError } from '../../shared/errors.ts';
import { terminalText } from '../../shared/terminal-text.ts';
import type { HostError } from './messages.ts';
import type { HostChild, StartHost } from './start-host.ts';

/** The host process ended, or did not answer in time and was ended, while something was asked of it. */
export class HostEnded extends Error {
  override readonly name = 'HostEnded';
}

const LOAD_LIMIT = 120_000; // milliseconds
const PRINTED_LIMIT = 4000; // characters

/** One host: a child process that answers the calls of `Api`, and those that it has not answered yet. */
export class HostProcess<Api extends Calls<Api>> {
  readonly threads: number;
  readonly #name: string;
  readonly #child: HostChild;
  readonly #open = new OpenCalls<HostError>(({ code, message, hint }) => new AppError(code, message, hint));
  readonly #ready = Promise.withResolvers<undefined>();
  #ended: string | undefined;
  #printed = ''; // the end of what it wrote to stderr

  /**
   * Starts `entry`, a module that answers calls, with so many threads for decoding and one to wait on the engine. `name`:
   * what the process is called when it fails.
   */
  constructor(start: StartHost, entry: string, threads: number, name = 'the engine host') {
    this.threads = threads;
    this.#name = name;
    this.#child = start(entry, { ...process.env, UV_THREADPOOL_SIZE: String(threads + 1) });
    void this.#within(LOAD_LIMIT, this.#ready.promise).catch(() => undefined); // whoever waits for it hears of it
    this.#child.onMessage((reply) => {
      if (reply.kind === 'ready') this.#ready.resolve(undefined);
      else this.#open.settle(reply);
    });
    this.#child.onEnd(({ error, code = null, signal = null }) =>
      this.#end(error?.message ?? describeExit(this.#name, { code, signal }, this.#printed)),
    );
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#printed = (this.#printed + text).slice(-PRINTED_LIMIT);
      if (process.env['WINNOW_DEBUG'] !== undefined) process.stderr.write(terminalText(text));
    });
  }

  /** Why the process has ended; undefined while it lives. */
  get ended(): string | undefined {
    return this.#ended;
  }

  /** The host's calls, each of which may take so long; they reject with the host's AppError, or with HostEnded. */
  calls(limitMilliseconds: number): Api {
    return callsOver<Api>((call, args) => this.ask(call, args, limitMilliseconds), {});
  }

  /** A call by its name; see `calls`. */
  async ask(call: keyof Api & string, args: ArgumentsOf<Api>, limitMilliseconds: number): Promise<unknown> {
    await this.#ready.promise;
    if (this.#ended !== undefined) throw new HostEnded(this.#ended);
    const answer = this.#open.send(call, args, (message) => this.#child.send(message));
    return this.#within(limitMilliseconds, answer);
  }

  /** Ends the process; calls under way are rejected with HostEnded. */
  kill(reason: string): void {
    this.#end(reason);
    this.#child.kill();
  }

  /** What `work` gives; the process is ended when that takes too long. */
  async #within<T>(limitMilliseconds: number, work: Promise<T>): Promise<T> {
    const seconds = Math.round(limitMilliseconds / 1000);
    const watchdog = setTimeout(
      () => this.kill(`${this.#name} did not answer for ${seconds} s`),
      limitMilliseconds,
    );
    try {
      return await work;
    } finally {
      clearTimeout(watchdog);
    }
  }

  #end(reason: string): void {
    const ended = (this.#ended ??= reason);
    this.#ready.reject(new HostEnded(ended)); // without effect when it was ready
    this.#open.end(() => new HostEnded(ended));
  }
}

function describeExit(
  name: string,
  { code, signal }: { code: number | null; signal: NodeJS.Signals | null },
  printed: string,
): string {
  if (signal === 'SIGKILL') return `${name} was ended from outside (SIGKILL), perhaps for want of memory`;
  const [error] = /^\w*Error\b.*$/m.exec(printed) ?? [];
  const how = signal ?? `exit code ${code}`;
  return `${name} ended unexpectedly (${error === undefined ? how : `${how}, ${error}`})`;
}
