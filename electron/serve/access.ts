import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

const LOOPBACK_NAMES = new Set(['127.0.0.1', '[::1]', 'localhost']);

/**
 * Who may use a server: whoever opens the address with the token gets a cookie, and only pages of the server's own
 * origin that send the cookie are answered. Other programs of this computer, other users and pages of other origins
 * know neither.
 */
export class Access {
  readonly token: string;
  /** Both come from the token and do not tell it, so a window that was let in stays so as long as the token lives. */
  readonly #session: string;
  /** Cookies do not know ports, so a server with another token must not get this name. */
  readonly #cookieName: string;

  constructor(token: string) {
    const derive = (use: string) => createHmac('sha256', token).update(use);
    this.token = token;
    this.#session = derive('session').digest('base64url');
    this.#cookieName = `winnow-${derive('cookie name').digest('hex').slice(0, 16)}`;
  }

  /** The Set-Cookie header for a right token; undefined for a wrong one. */
  admit(token: string): string | undefined {
    if (!isEqual(token, this.token)) return undefined;
    return `${this.#cookieName}=${this.#session}; HttpOnly; SameSite=Strict; Path=/`;
  }

  /** Whether a request bears the cookie. */
  isAdmitted({ cookie = '' }: IncomingHttpHeaders): boolean {
    const pairs = cookie.split(';').map((pair) => pair.trim().split('='));
    return pairs.some(([name, value = '']) => name === this.#cookieName && isEqual(value, this.#session));
  }
}

/**
 * Why a request comes from where none may come from, as a sentence; undefined for one that may. The name in `Host` must
 * be this computer's own, for a foreign name that was made to lead here would let its pages in; its port may be another
 * (a forwarded one). A page that asks must be of that same host and port.
 */
export function foreignOrigin(headers: IncomingHttpHeaders): string | undefined {
  const { host = '', origin } = headers;
  const url = URL.parse(`http://${host}`);
  if (url === null || url.host !== host || !LOOPBACK_NAMES.has(url.hostname))
    return 'Winnow answers to localhost, 127.0.0.1 and [::1] only';
  const site = headers['sec-fetch-site'];
  const isForeign = origin !== undefined && origin !== `http://${host}`;
  if (isForeign || site === 'cross-site' || site === 'same-site')
    return 'Winnow answers to its own pages only; open the address that `winnow serve` printed';
  return undefined;
}

/** Compares in a time that does not tell how much of it is right. */
function isEqual(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
