import { AppError } from '../../shared/errors.ts';

/** Names another place for all hosts: `<mirror>/<host>/<path>` in place of `https://<host>/<path>`. */
const MIRROR = 'WINNOW_MODEL_MIRROR';

const MOST_REDIRECTS = 5;

/** Where a file is asked for in place of its address: there, or at the mirror that the environment names. */
export function placeOf(address: string): URL {
  const wanted = new URL(address);
  const mirror = process.env[MIRROR];
  if (mirror === undefined || mirror === '') return wanted;
  const base = URL.parse(mirror);
  if (base === null || !/^https?:$/.test(base.protocol)) {
    throw new AppError(
      'BAD_ARGUMENT',
      `${MIRROR} must be the address of a mirror, such as https://mirror.example/models, but is ${mirror}`,
    );
  }
  base.pathname = `${base.pathname.replace(/\/$/, '')}/${wanted.host}${wanted.pathname}`;
  base.search = wanted.search;
  return base;
}

/** Where an answer sends whoever asked; undefined where it sends nobody. Throws NETWORK. */
export function redirectOf(
  from: URL,
  { status, header }: { status: number; header: (name: string) => string | undefined },
): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(status)) return undefined;
  const to = URL.parse(header('location') ?? '', from.href);
  if (to === null) throw badAnswer(from, 'sends to an address that is none');
  if (to.protocol !== 'https:' && to.protocol !== from.protocol) {
    throw badAnswer(from, 'sends to an address that is not encrypted');
  }
  return to;
}

/** Throws NETWORK where a request was sent on too often. */
export function countRedirect(from: URL, soFar: number): void {
  if (soFar >= MOST_REDIRECTS) throw badAnswer(from, `sends on more than ${MOST_REDIRECTS} times`);
}

/** Of a host that does not give what it should: what it does, as the end of a sentence. */
export function badAnswer(address: URL, what: string, hint?: string): AppError {
  return new AppError('NETWORK', `${address.host} ${what}`, hint);
}
