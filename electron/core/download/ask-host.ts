import type { CatalogueModel } from '../../shared/catalogue.ts';
import { badAnswer, countRedirect, placeOf, redirectOf } from './addresses.ts';
import { refuse } from './host-answers.ts';
import type { Http } from './connection.ts';

/** What a host says of a file before it is fetched. */
export interface AnnouncedFile {
  bytes?: number;
  sha256?: string;
}

const SHA256 = /^(?:W\/)?"?([0-9a-f]{64})"?$/i;

/**
 * What the host of a file says of it. Hugging Face answers a HEAD of the `resolve` address with where the file lies, its size
 * (X-Linked-Size) and, as its ETag, its SHA-256 (X-Linked-Etag); its redirect must not be followed for that, but within the
 * host, where a repository has another name now. Google Drive says nothing beforehand. Rejects with NETWORK, AskedToWait, or
 * as Http does.
 */
export async function askHost(
  { host, address, bytes, sha256 }: CatalogueModel['file'],
  http: Http,
  { signal, now }: { signal: AbortSignal; now: number },
): Promise<AnnouncedFile> {
  const stated = {
    ...(bytes === undefined ? {} : { bytes }),
    ...(sha256 === undefined ? {} : { sha256 }),
  };
  if (host === 'google-drive') return stated;
  let place = placeOf(address);
  for (let redirects = 0; ; redirects++) {
    const answer = await http.ask(place, { method: 'HEAD', signal });
    answer.discard();
    const linked = SHA256.exec(answer.header('x-linked-etag') ?? '')?.[1]?.toLowerCase();
    const size = Number(answer.header('x-linked-size') ?? NaN);
    if (linked === undefined) {
      const to = redirectOf(place, answer);
      if (to?.host === place.host) {
        countRedirect(place, redirects);
        place = to;
        continue;
      }
      if (answer.status >= 400) refuse(place, answer, now);
      return stated;
    }
    if (sha256 !== undefined && sha256 !== linked) {
      throw badAnswer(
        place,
        'has another file at the address than the one that the catalogue knows',
        'Look at the page of the model; its makers may have replaced it.',
      );
    }
    return { sha256: linked, ...(Number.isSafeInteger(size) && size > 0 ? { bytes: size } : stated) };
  }
}
