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
  /** The content as it comes; ends with an error when less comes than was announced, or nothing for too long. */
  content: AsyncIterable<Uint8Array>;
  /** Ends the connection without reading the rest. */
  discard: () => void;
}
