import type { Hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { badAnswer, countRedirect, redirectOf } from './addresses.ts';
import { confirmedAddress } from './drive-page.ts';
import type { DownloadFolder } from './download-folder.ts';
import { noCheckpoint, OTHER_KIND, refuse, WEB_PAGE } from './host-answers.ts';
import type { Http } from './connection.ts';
import type { HttpAnswer } from './exchange.ts';

/** How PyTorch's files begin: a zip archive, or the older format's pickle of protocol 2. */
const MAGICS = [
  [0x50, 0x4b, 0x03, 0x04],
  [0x80, 0x02],
] as const;

const LARGEST_PAGE = 2 ** 20;

/** The beginning of the file that has come so far, and what it is compared with. */
export interface Progress {
  bytes: number;
  hash: Hash; // of these bytes
  validator: string | undefined; // of the version that they are of
  total: number | undefined; // of the whole file
}

export interface Receiving {
  http: Http;
  folder: DownloadFolder;
  /** The address as the catalogue has it, for sentences. */
  address: string;
  place: URL;
  isConfirmed?: boolean; // Google Drive's page was answered already
  largest: number; // bytes above which it cannot be the file
  /** Whether the whole file's SHA-256 is known, so that a wrong rest would be noticed. */
  isVerified: boolean;
  signal: AbortSignal;
  now: number;
  restarted: () => Progress; // the file comes from its beginning
  onVersion: (progress: Progress) => Promise<void>;
  onBytes: (progress: Progress) => void;
}

/**
 * Asks for what is missing of a file and appends it. Comes back with the progress when the content has come to its end, which
 * need not be the file's. Rejects with NETWORK, AskedToWait, errors of the system, or as Http does; what has come is kept
 * then.
 */
export async function receive(progress: Progress, options: Receiving): Promise<Progress> {
  const { address, signal, now } = options;
  // Without the version, only a hash at the end could tell that the rest is of another file.
  const mayResume = progress.bytes > 0 && (progress.validator !== undefined || options.isVerified);
  const answer = await askFor(options.place, mayResume ? progress : undefined, options);
  if (answer.status === 416) return atEnd(progress, answer, options);
  if (answer.status !== 200 && answer.status !== 206) {
    answer.discard();
    refuse(answer.from, answer, now);
  }
  const encoding = answer.header('content-encoding') ?? 'identity';
  if (encoding !== 'identity') {
    answer.discard();
    throw badAnswer(answer.from, `sends the file compressed (${encoding}), which nobody asked for`);
  }
  const isPage = /^text\/html\b/i.test(answer.header('content-type') ?? '');
  if (isPage) {
    const confirmed = confirmedAddress(await pageOf(answer), answer.from);
    if (confirmed === undefined || options.isConfirmed === true) throw noCheckpoint(address, WEB_PAGE);
    return receive(progress, { ...options, place: confirmed, isConfirmed: true });
  }
  const goesOn = answer.status === 206 && mayResume && rangeFits(answer, progress);
  if (answer.status === 206 && !goesOn) {
    answer.discard(); // another part than the one that was asked for
    if (!mayResume) throw badAnswer(answer.from, 'sends a part of the file, where all of it was asked for');
    return receive(options.restarted(), options);
  }
  const current = goesOn ? progress : options.restarted();
  current.total = totalOf(answer, current) ?? current.total;
  if (!goesOn) current.validator = validatorOf(answer);
  await options.onVersion(current);
  signal.throwIfAborted();
  await append(current, answer, options);
  return current;
}

/** The answer to a request for a file or its rest, behind all redirects. */
async function askFor(
  place: URL,
  progress: Progress | undefined,
  { http, signal }: Receiving,
): Promise<HttpAnswer & { from: URL }> {
  const headers: Record<string, string> = {};
  if (progress !== undefined) {
    headers['range'] = `bytes=${progress.bytes}-`;
    if (progress.validator !== undefined) headers['if-range'] = progress.validator;
  }
  for (let redirects = 0, from = place; ; redirects++) {
    const answer = await http.ask(from, { method: 'GET', headers, signal });
    const to = redirectOf(from, answer);
    if (to === undefined) return { ...answer, from };
    answer.discard();
    countRedirect(from, redirects);
    from = to;
  }
}

/** The host has nothing behind what is here: the file is whole, or another than before. */
function atEnd(
  progress: Progress,
  answer: HttpAnswer & { from: URL },
  options: Receiving,
): Progress | Promise<Progress> {
  answer.discard();
  const total = /^bytes \*\/(\d+)$/.exec(answer.header('content-range') ?? '')?.[1];
  if (Number(total) === progress.bytes) return { ...progress, total: progress.bytes };
  if (progress.bytes === 0) throw badAnswer(answer.from, 'says that the file has no beginning');
  return receive(options.restarted(), options);
}

/** Whether a part begins where the file here ends, and is of a file of the same size. */
function rangeFits(answer: HttpAnswer, { bytes, total }: Progress): boolean {
  const [, start, whole] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(answer.header('content-range') ?? '') ?? [];
  if (Number(start) !== bytes) return false;
  return whole === '*' || total === undefined || Number(whole) === total;
}

function totalOf(answer: HttpAnswer, { bytes }: Progress): number | undefined {
  const whole = /\/(\d+)$/.exec(answer.header('content-range') ?? '')?.[1];
  const length = answer.header('content-length');
  if (whole !== undefined) return Number(whole);
  return length === undefined ? undefined : bytes + Number(length);
}

/** A strong ETag or, without one, the time of the last change: what If-Range takes. */
function validatorOf(answer: HttpAnswer): string | undefined {
  const etag = answer.header('etag');
  return etag?.startsWith('"') === true ? etag : answer.header('last-modified');
}

async function pageOf({ content }: HttpAnswer): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.length;
    if (bytes > LARGEST_PAGE) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Writes what comes behind what is here. */
async function append(
  progress: Progress,
  answer: HttpAnswer & { from: URL },
  options: Receiving,
): Promise<void> {
  const { folder, address, largest, onBytes } = options;
  await using file = await open(folder.partial, progress.bytes === 0 ? 'w' : 'r+');
  await file.truncate(progress.bytes);
  let beginning = Buffer.alloc(0);
  for await (const piece of answer.content) {
    let chunk = piece;
    if (progress.bytes === 0) {
      beginning = Buffer.concat([beginning, piece]);
      if (beginning.length < 4) continue; // too little to tell what it is
      if (!isCheckpoint(beginning)) throw noCheckpoint(address, isMarkup(beginning) ? WEB_PAGE : OTHER_KIND);
      chunk = beginning;
    }
    if (progress.bytes + chunk.length > Math.min(largest, progress.total ?? largest)) {
      await folder.clear();
      throw badAnswer(answer.from, 'sends more than the file can have', 'Try again later.');
    }
    await writeAll(file, chunk, progress.bytes);
    progress.hash.update(chunk);
    progress.bytes += chunk.length;
    onBytes(progress);
  }
  await file.sync();
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

function isCheckpoint(beginning: Uint8Array): boolean {
  return MAGICS.some((magic) => magic.every((byte, place) => beginning[place] === byte));
}

function isMarkup(beginning: Uint8Array): boolean {
  return beginning[0] === 0x3c; // "<"
}
