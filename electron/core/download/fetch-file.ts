import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Download } from '../../shared/api/downloads.ts';
import type { CatalogueModel } from '../../shared/catalogue.ts';
import type { Clock } from '../../shared/clock.ts';
import { AppError } from '../../shared/errors.ts';
import { toFileSystemError } from '../files/write-file.ts';
import { placeOf } from './addresses.ts';
import { askHost } from './ask-host.ts';
import type { AnnouncedFile } from './ask-host.ts';
import type { DownloadFolder } from './download-folder.ts';
import { requireSpace } from './free-space.ts';
import { AskedToWait, LONGEST_WAIT } from './host-answers.ts';
import { ConnectionLost } from './connection.ts';
import type { Http } from './connection.ts';
import { megabytes } from './megabytes.ts';
import { receive } from './receive.ts';
import type { Progress } from './receive.ts';

/** Attempts one after the other in which nothing comes. */
const MOST_FAILURES = 5;
const BYTES_OF_WEIGHT = 4;

/** Checkpoints hold a model up to four times: itself, an average of it, and two moments of its training. */
const MOST_COPIES = 8;

export interface FetchContext {
  folder: DownloadFolder;
  http: Http;
  signal: AbortSignal;
  clock: Clock; // milliseconds since 1970
  /** Comes back after so many milliseconds; rejects when the signal is aborted. */
  wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  tell: (state: Pick<Download, 'phase' | 'done' | 'total'> & { seconds?: number }) => void;
}

/**
 * Fetches the file of a model into its folder, whole and compared with what its host says of it; goes on with what is there.
 * A connection that breaks is made again as long as something comes. Rejects with NETWORK, DISK_FULL or FILE_SYSTEM, and as
 * `signal` says; what has come stays then, unless it is not of the file.
 */
export async function fetchFile(model: CatalogueModel, context: FetchContext): Promise<void> {
  const { folder, signal, tell } = context;
  await folder.make();
  const arrived = await folder.arrived();
  if (arrived.isWhole) return;
  tell({ phase: 'asking', done: arrived.bytes, total: undefined });
  const place = placeOf(model.file.address);
  const { host } = place;
  const announced = await persist(context, { bytes: arrived.bytes, host, isFirst: true }, () =>
    askHost(model.file, context.http, { signal, now: context.clock() }),
  );
  let progress = await begin(model, announced, folder);
  const missing = (announced.bytes ?? model.parameters * BYTES_OF_WEIGHT) - progress.bytes;
  await requireSpace(
    folder.path,
    missing + model.parameters * BYTES_OF_WEIGHT,
    `${model.title}, with its package,`,
  );
  const largest = announced.bytes ?? model.parameters * BYTES_OF_WEIGHT * MOST_COPIES;
  const restarted = () => (progress = newProgress(announced));
  const show = (current: Progress) => tell({ phase: 'fetching', done: current.bytes, total: current.total });
  while (progress.bytes === 0 || progress.bytes !== progress.total) {
    const before = progress.bytes;
    const { total } = progress;
    await persist(context, { bytes: before, total, host }, async () => {
      show(progress);
      progress = await receive(progress, {
        http: context.http,
        folder,
        address: model.file.address,
        place,
        largest,
        isVerified: announced.sha256 !== undefined,
        signal,
        now: context.clock(),
        restarted,
        onVersion: (current) => refuseOther(current, announced, model, folder),
        onBytes: show,
      });
    });
    // A host that does not say how large the file is has sent all of it.
    if (progress.total === undefined) progress.total = progress.bytes;
    if (progress.bytes === before && progress.bytes !== progress.total)
      throw new AppError('NETWORK', `${host} does not send the rest of the file`, 'Try again later.');
  }
  tell({ phase: 'checking', done: progress.bytes, total: progress.total });
  const sha256 = progress.hash.digest('hex');
  if (announced.sha256 !== undefined && sha256 !== announced.sha256) {
    await folder.clear();
    throw new AppError(
      'NETWORK',
      `What came from ${host} is not the file that it announced: its SHA-256 is another`,
      'Nothing of it was kept; fetch it again, and try another network if it happens again.',
    );
  }
  await folder.finish();
}

/** What is here already of the version that the host announces; nothing, where it is of another. */
async function begin(
  model: CatalogueModel,
  announced: AnnouncedFile,
  folder: DownloadFolder,
): Promise<Progress> {
  const note = await folder.readNote();
  const { bytes } = await folder.arrived();
  const isSame =
    note?.address === model.file.address &&
    (announced.sha256 === undefined || note.sha256 === announced.sha256) &&
    bytes <= (announced.bytes ?? note.bytes ?? Infinity);
  if (!isSame || bytes === 0) {
    await folder.clear();
    return newProgress(announced);
  }
  const hash = createHash('sha256');
  await pipeline(createReadStream(folder.partial), hash, { end: false });
  return { bytes, hash, validator: note.validator, total: announced.bytes ?? note.bytes };
}

function newProgress({ bytes }: AnnouncedFile): Progress {
  return { bytes: 0, hash: createHash('sha256'), validator: undefined, total: bytes };
}

/** Keeps which version is coming; rejects when its size is not the announced one, or the disk has no room for it. */
async function refuseOther(
  { bytes, validator, total }: Progress,
  announced: AnnouncedFile,
  model: CatalogueModel,
  folder: DownloadFolder,
): Promise<void> {
  if (announced.bytes !== undefined && total !== undefined && total !== announced.bytes) {
    await folder.clear();
    throw new AppError(
      'NETWORK',
      `The file has ${total.toLocaleString('en')} bytes, but its host announced ${announced.bytes.toLocaleString('en')}`,
      'Try again later.',
    );
  }
  await folder.writeNote({
    model: model.name,
    address: model.file.address,
    ...(validator === undefined ? {} : { validator }),
    ...(total === undefined ? {} : { bytes: total }),
    ...(announced.sha256 === undefined ? {} : { sha256: announced.sha256 }),
  });
  if (announced.bytes === undefined && total !== undefined)
    await requireSpace(folder.path, total - bytes, `The rest of ${model.title} (${megabytes(total)})`);
}

/**
 * Does what may fail for a connection's sake again, as long as something comes: at most five times in a row without, and a
 * host that asks to wait at most two minutes in all.
 */
async function persist<T>(
  { signal, wait, tell, folder }: FetchContext,
  known: { bytes: number; total?: number | undefined; host: string; isFirst?: boolean },
  work: () => Promise<T>,
): Promise<T> {
  let [failures, waited, before] = [0, 0, known.bytes];
  for (;;) {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      // Without a network a person wants to be told at once; one that goes away under way may come back.
      if (known.isFirst === true && error instanceof ConnectionLost && error.isNobodyThere)
        throw unreachable(known.host, error);
      const { bytes } = await folder.arrived();
      if (bytes > before) failures = 0;
      before = bytes;
      const seconds = pauseAfter(error, ++failures, known.host, folder);
      waited += error instanceof AskedToWait ? seconds : 0;
      if (waited > LONGEST_WAIT)
        throw new AppError(
          'NETWORK',
          `${known.host} has too much to do and asks to wait again and again`,
          'Go on with the download later; nothing of it is lost.',
        );
      tell({ phase: 'waiting', done: bytes, total: known.total, seconds });
      await wait(seconds * 1000, signal);
    }
  }
}

/** Seconds before another attempt; throws what ends the download. */
function pauseAfter(error: unknown, failures: number, host: string, folder: DownloadFolder): number {
  if (error instanceof AskedToWait) return Math.max(1, error.seconds);
  if (error instanceof AppError) throw error;
  if (!(error instanceof ConnectionLost)) throw toFileSystemError(error, folder.partial);
  if (!error.isLasting && failures <= MOST_FAILURES) return 2 ** (failures - 1);
  throw unreachable(host, error);
}

function unreachable(host: string, cause: ConnectionLost): AppError {
  return new AppError(
    'NETWORK',
    `${host} cannot be reached: ${cause.reason}`,
    'Look at the network and the proxy; the download goes on where it stopped.',
    { cause },
  );
}
