/**
 * The first proxy that the system names for an address, as systems and their scripts write it: `PROXY host:8080; SOCKS5
 * host:1080; DIRECT`. Undefined for none, or for kinds that are not spoken here.
 */
export function firstProxy(list: string): string | undefined {
  for (const entry of list.split(';')) {
    const [kind = '', host = ''] = entry.trim().split(/\s+/);
    const scheme = SCHEMES[kind.toUpperCase()];
    if (scheme === null) return undefined;
    if (scheme !== undefined && host !== '') return `${scheme}://${host}`;
  }
  return undefined;
}

/** By the word for a proxy; null: without one. */
const SCHEMES: Record<string, string | null | undefined> = {
  DIRECT: null,
  PROXY: 'http',
  HTTP: 'http',
  HTTPS: 'https',
  SOCKS5: 'socks5',
};
