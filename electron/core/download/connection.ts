import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { codeOf } from '../../shared/errors.ts';
import type { HttpAnswer, HttpOptions, HttpRequest } from './exchange.ts';
import type * as HttpModule from './http.ts';

/** The module that connects; in an installed app it lies unpacked beside the archive. */
const entry = join(import.meta.dirname, 'http.ts').replace(/app\.asar(?=[\\/])/, 'app.asar.unpacked');

/**
 * Requests over HTTP and HTTPS, through a proxy where there is one. Redirects are answers like others. What connects is loaded
 * when a person first asks for a file: no process of Winnow holds it before.
 */
export class Http {
  readonly #options: HttpOptions;
  #loading: Promise<HttpModule.HttpAgents> | undefined;

  constructor(options: HttpOptions = {}) {
    this.#options = options;
  }

  /** Rejects with ConnectionLost, or as `signal` says. */
  async ask(address: URL, request: HttpRequest): Promise<HttpAnswer> {
    const { signal } = request;
    this.#loading ??= load(this.#options);
    const agents = await this.#loading;
    const answer = await agents.ask(address, request).catch((error: unknown) => {
      signal.throwIfAborted();
      throw new ConnectionLost(error);
    });
    return { ...answer, content: contentOf(answer.content, signal) };
  }

  async close(): Promise<void> {
    await (await this.#loading)?.close();
  }
}

async function load(options: HttpOptions): Promise<HttpModule.HttpAgents> {
  const { HttpAgents } = (await import(pathToFileURL(entry).href)) as typeof HttpModule;
  return new HttpAgents(options);
}

/** A connection that was not made, or broke. */
export class ConnectionLost extends Error {
  /** As the end of a sentence. */
  readonly reason: string;
  /** Whether asking again would not help. */
  readonly isLasting: boolean;
  /** Whether nobody was there, as without a network. */
  readonly isNobodyThere: boolean;

  constructor(cause: unknown) {
    super('The connection was lost', { cause });
    const { reason, isLasting, isNobodyThere = false } = whyUnreachable(cause);
    this.isNobodyThere = isNobodyThere;
    this.reason = reason;
    this.isLasting = isLasting;
  }
}

async function* contentOf(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const pieces = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await pieces.next().catch((error: unknown) => {
        signal.throwIfAborted();
        throw new ConnectionLost(error);
      });
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await pieces.return?.().catch(() => undefined); // ends the connection where the rest is not wanted
  }
}

const REASONS: Record<string, string | undefined> = {
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name cannot be looked up',
  ECONNREFUSED: 'it refuses the connection',
  ENETUNREACH: 'there is no network',
  EHOSTUNREACH: 'there is no way to it',
  ECONNRESET: 'the connection broke',
  EPIPE: 'the connection broke',
  ETIMEDOUT: 'it does not answer',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer',
  UND_ERR_HEADERS_TIMEOUT: 'it does not answer',
  UND_ERR_BODY_TIMEOUT: 'nothing comes any more',
  UND_ERR_SOCKET: 'the connection broke',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'less comes than it announced',
  UND_ERR_PRX_TLS: 'the proxy has no certificate that is trusted',
  UND_ERR_HEADERS_OVERFLOW: 'its answer is not understood',
  HPE_INVALID_CONSTANT: 'its answer is not understood',
};

const NOBODY_THERE = new Set(['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ENETUNREACH', 'EHOSTUNREACH']);

/** What kept a request from its end. */
function whyUnreachable(error: unknown): { reason: string; isLasting: boolean; isNobodyThere?: boolean } {
  const { message, codes } = chainOf(error);
  if (/proxy .*\(407\)/i.test(message)) {
    return { reason: 'the proxy asks for a name and a password', isLasting: true };
  }
  const proxy = /proxy response \((\d+)\)/i.exec(message)?.[1];
  if (proxy !== undefined) return { reason: `the proxy answers with ${proxy}`, isLasting: true };
  const known = codes.map((code) => REASONS[code]).find((reason) => reason !== undefined);
  const isCertificate = codes.some((code) => /CERT|SELF_SIGNED|UNABLE_TO_/.test(code));
  if (isCertificate) return { reason: 'its certificate is not trusted', isLasting: true };
  const isNobodyThere = codes.some((code) => NOBODY_THERE.has(code));
  return { reason: known ?? 'the connection broke', isLasting: false, isNobodyThere };
}

/** An error with all that caused it. */
function chainOf(error: unknown): { message: string; codes: string[] } {
  const codes: string[] = [];
  let message = '';
  for (let one = error; one instanceof Error; one = one.cause) {
    message += `${one.message} `;
    const parts: unknown[] = one instanceof AggregateError ? [one, ...(one.errors as unknown[])] : [one];
    codes.push(...parts.flatMap((part) => codeOf(part) ?? []));
  }
  return { message, codes };
}
