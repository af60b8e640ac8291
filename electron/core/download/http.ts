// The only module of Winnow that connects to another computer. A rule of lint sees to it (build/layers.mjs), and nothing
// asks it but what a person has started: the download of a model.
import { Agent, EnvHttpProxyAgent, ProxyAgent, request, Socks5ProxyAgent } from 'undici';
import type { Dispatcher } from 'undici';
import { codeOf } from '../../shared/errors.ts';

/** The proxy for an address, such as `http://name:password@proxy:3128`; undefined for none. */
export type ProxyFor = (address: URL) => Promise<string | undefined>;

export interface HttpOptions {
  /** The system's proxies, for where the environment names none. */
  proxyFor?: ProxyFor | undefined;
  /** Milliseconds in which nothing comes before a connection counts as lost. */
  silence?: number | undefined;
}

export interface HttpRequest {
  method: 'GET' | 'HEAD';
  headers?: Record<string, string>;
  signal: AbortSignal;
}

export interface HttpAnswer {
  status: number;
  header: (name: string) => string | undefined;
  /** The content as it comes; ends with ConnectionLost when less comes than was announced, or nothing for too long. */
  content: AsyncIterable<Uint8Array>;
  /** Ends the connection without reading the rest. */
  discard: () => void;
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

const SILENCE = 60_000;

/** Headers of an answer; the content beside them may be of any length. */
const LARGEST_HEADERS = 64 * 2 ** 10;

/** Requests over HTTP and HTTPS, through a proxy where there is one. Redirects are answers like others. */
export class Http {
  readonly #options: { headersTimeout: number; bodyTimeout: number; maxHeaderSize: number };
  readonly #proxyFor: ProxyFor | undefined;
  readonly #agents = new Map<string, Dispatcher>();

  constructor({ proxyFor, silence = SILENCE }: HttpOptions = {}) {
    this.#options = { headersTimeout: silence, bodyTimeout: silence, maxHeaderSize: LARGEST_HEADERS };
    this.#proxyFor = proxyFor;
  }

  /** Rejects with ConnectionLost, or as `signal` says. */
  async ask(address: URL, { method, headers = {}, signal }: HttpRequest): Promise<HttpAnswer> {
    const dispatcher = await this.#agentFor(address);
    const answer = await request(address, {
      method,
      headers: { 'user-agent': 'Winnow', 'accept-encoding': 'identity', ...headers },
      dispatcher,
      signal,
    }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw new ConnectionLost(error);
    });
    const { statusCode, headers: received, body } = answer;
    body.on('error', () => undefined); // whoever reads the content hears of it; nobody does after `discard`
    return {
      status: statusCode,
      header: (name) => {
        const value = received[name];
        return Array.isArray(value) ? value.join(', ') : value;
      },
      content: contentOf(body, signal),
      discard: () => void body.destroy(),
    };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#agents.values()].map((agent) => agent.destroy()));
    this.#agents.clear();
  }

  /** What the environment says of proxies holds: it may have a password, which the system does not tell. */
  async #agentFor(address: URL): Promise<Dispatcher> {
    if (namesProxy() || this.#proxyFor === undefined) {
      return this.#agent('environment', () => new EnvHttpProxyAgent(this.#options));
    }
    const proxy = await this.#proxyFor(address);
    return this.#agent(proxy ?? '', () => {
      if (proxy === undefined) return new Agent(this.#options);
      if (proxy.startsWith('socks')) return new Socks5ProxyAgent(proxy, this.#options);
      return new ProxyAgent({ uri: proxy, ...this.#options });
    });
  }

  #agent(key: string, make: () => Dispatcher): Dispatcher {
    const agent = this.#agents.get(key) ?? make();
    this.#agents.set(key, agent);
    return agent;
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

/** Whether the environment names a proxy. */
function namesProxy(): boolean {
  return ['http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY'].some(
    (name) => (process.env[name] ?? '') !== '',
  );
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
