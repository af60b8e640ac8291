import { AppError } from '../../shared/errors.ts';
import { terminalText } from '../../shared/terminal-text.ts';
import type { HostReply } from './messages.ts';
import type { HostChild, StartHost } from './start-host.ts';

/** The host process ended, or did not answer in time and was ended, while something was asked of it. */
export class HostEnded extends Error {
  override readonly name = 'HostEnded';
}

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
  watchdog: NodeJS.Timeout;
}

const LOAD_LIMIT = 120_000; // milliseconds
const PRINTED_LIMIT = 4000; // characters

/**
 * One host: a child process, and the requests that it has not answered yet. `Calls` are those that it knows, `Results` what
 * they come back with, by name.
 */
export class HostProcess<Calls extends { call: string }, Results extends Record<Calls['call'], unknown>> {
  readonly threads: number;
  readonly #name: string;
  readonly #child: HostChild;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ready: Promise<void>;
  #nextId = 1;
  #ended: string | undefined;
  #printed = ''; // the end of what it wrote to stderr

  /**
   * Starts `entry`, a module that answers requests, with so many threads for decoding and one to wait on the engine. `name`:
   * what the process is called when it fails.
   */
  constructor(start: StartHost, entry: string, threads: number, name = 'the engine host') {
    this.threads = threads;
    this.#name = name;
    this.#child = start(entry, { ...process.env, UV_THREADPOOL_SIZE: String(threads + 1) });
    const ready = Promise.withResolvers<unknown>();
    this.#waiting.set(0, { ...ready, watchdog: this.#watch(LOAD_LIMIT) });
    this.#ready = ready.promise.then(() => undefined);
    this.#ready.catch(() => undefined); // whoever waits for it hears of it
    this.#child.onMessage((reply) => this.#settle(reply));
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

  /** Asks for something; rejects with the host's AppError, or with HostEnded. */
  async ask<Call extends Calls>(call: Call, limitMilliseconds: number): Promise<Results[Call['call']]> {
    await this.#ready;
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(new HostEnded(this.#ended));
        return;
      }
      const id = this.#nextId++;
      this.#waiting.set(id, {
        resolve: resolve as Waiting['resolve'],
        reject,
        watchdog: this.#watch(limitMilliseconds),
      });
      this.#child.send({ ...call, id });
    });
  }

  /** Ends the process; what it was asked is rejected with HostEnded. */
  kill(reason: string): void {
    this.#end(reason);
    this.#child.kill();
  }

  #watch(limitMilliseconds: number): NodeJS.Timeout {
    const seconds = Math.round(limitMilliseconds / 1000);
    return setTimeout(() => this.kill(`${this.#name} did not answer for ${seconds} s`), limitMilliseconds);
  }

  #settle(reply: HostReply): void {
    const id = reply.kind === 'ready' ? 0 : reply.id;
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return; // the answer came after the watchdog
    this.#waiting.delete(id);
    clearTimeout(waiting.watchdog);
    if (reply.kind === 'error') {
      const { code, message, hint } = reply.error;
      waiting.reject(new AppError(code, message, hint));
    } else {
      waiting.resolve(reply.kind === 'ready' ? undefined : reply.value);
    }
  }

  #end(reason: string): void {
    this.#ended ??= reason;
    for (const { reject, watchdog } of this.#waiting.values()) {
      clearTimeout(watchdog);
      reject(new HostEnded(this.#ended));
    }
    this.#waiting.clear();
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
