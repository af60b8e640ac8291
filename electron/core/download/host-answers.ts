import { AppError } from '../../shared/errors.ts';
import { badAnswer } from './addresses.ts';

/** Seconds that a host may ask to be left alone before the download gives up. */
export const LONGEST_WAIT = 120;

/** A host that wants to be asked later: after so many seconds. */
export class AskedToWait extends Error {
  readonly seconds: number;

  constructor(seconds: number) {
    super(`to be asked again in ${seconds} seconds`);
    this.seconds = seconds;
  }
}

const SENTENCES: Record<number, [what: string, hint: string] | undefined> = {
  401: ['asks for a login', 'Log in there in a browser and download the file, then drop it on the window.'],
  403: ['does not give the file', 'Open the page of the model in a browser; the file may be shared no more.'],
  404: ['does not have the file any more', 'Look at the page of the model; it may have moved.'],
  407: [
    'is behind a proxy that asks for a name and a password',
    'Set HTTPS_PROXY to http://name:password@proxy:port, and start Winnow again.',
  ],
  410: ['does not have the file any more', 'Look at the page of the model; it may have moved.'],
};

/**
 * Throws what a status that is no success means: NETWORK, or AskedToWait where the host says that it wants to be asked again
 * soon. `now`: milliseconds since 1970.
 */
export function refuse(
  address: URL,
  { status, header }: { status: number; header: (name: string) => string | undefined },
  now: number,
): never {
  if (status === 429 || status === 503) {
    const seconds = retryAfter(header('retry-after'), now);
    if (seconds !== undefined && seconds <= LONGEST_WAIT) throw new AskedToWait(seconds);
    const what =
      seconds === undefined
        ? 'has too much to do and wants to be asked again later'
        : `has too much to do and wants to be asked again in ${Math.ceil(seconds / 60)} minutes`;
    throw badAnswer(address, what, 'Go on with the download then; nothing of it is lost.');
  }
  const known = SENTENCES[status];
  if (known !== undefined) throw badAnswer(address, known[0], known[1]);
  throw badAnswer(address, `answers with status ${status}`, 'Try again later; nothing of it is lost.');
}

/** Seconds until a host wants to be asked again: it says so many, or a date. */
function retryAfter(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text.trim())) return Number(text);
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1000));
}

/** What a host gives in place of a file. */
export const WEB_PAGE = 'gave a web page in place of a PyTorch file';
export const OTHER_KIND = 'gave another kind of file in place of a PyTorch file';

/** Of what came in place of a file: the person can look at it, and bring the file by hand. */
export function noCheckpoint(address: string, what: string): AppError {
  return new AppError(
    'NETWORK',
    `${new URL(address).host} ${what}`,
    `Open ${address} in a browser and save the file, then drop the file here, or give it to \`winnow models get FILE\`.`,
  );
}
