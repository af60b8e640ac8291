// The only module of Winnow that connects to another computer. A rule of lint sees to it (build/layers.mjs), and nothing
// asks it but what a person has started: the download of a model.
import { Agent, EnvHttpProxyAgent, ProxyAgent, request, Socks5ProxyAgent } from 'undici';
import type { Dispatcher } from 'undici';
import type { HttpAnswer, HttpOptions, HttpRequest, ProxyFor } from './exchange.ts';

const SILENCE = 60_000;

/** Headers of an answer; the content beside them may be of any length. */
const LARGEST_HEADERS = 64 * 2 ** 10;

/** Requests over HTTP and HTTPS, through a proxy where there is one. Redirects are answers like others. */
export class HttpAgents {
  readonly #options: { headersTimeout: number; bodyTimeout: number; maxHeaderSize: number };
  readonly #proxyFor: ProxyFor | undefined;
  readonly #agents = new Map<string, Dispatcher>();

  constructor({ proxyFor, silence = SILENCE }: HttpOptions = {}) {
    this.#options = { headersTimeout: silence, bodyTimeout: silence, maxHeaderSize: LARGEST_HEADERS };
    this.#proxyFor = proxyFor;
  }

  /** Rejects as undici does, or as `signal` says. */
  async ask(address: URL, { method, headers = {}, signal }: HttpRequest): Promise<HttpAnswer> {
    const dispatcher = await this.#agentFor(address);
    const answer = await request(address, {
      method,
      headers: { 'user-agent': 'Winnow', 'accept-encoding': 'identity', ...headers },
      dispatcher,
      signal,
    });
    const { statusCode, headers: received, body } = answer;
    body.on('error', () => undefined); // whoever reads the content hears of it; nobody does after `discard`
    return {
      status: statusCode,
      header: (name) => {
        const value = received[name];
        return Array.isArray(value) ? value.join(', ') : value;
      },
      content: body,
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

/** Whether the environment names a proxy. */
function namesProxy(): boolean {
  return ['http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY'].some(
    (name) => (process.env[name] ?? '') !== '',
  );
}
