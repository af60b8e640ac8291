import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { LONGEST_DECODING, PictureError } from '../../shared/picture-problem.ts';
import type { PictureProblem } from '../../shared/picture-problem.ts';
import type { Picture } from './picture.ts';
import PQueue from 'p-queue';

/** What a thread is sent. */
export interface DecoderCall {
  kind: 'heic' | 'raw' | 'jxl' | 'jp2';
  bytes: Uint8Array; // of the whole file
}

/** And what it sends back: for HEIC and JPEG 2000 RGB pixels, for RAW the JPEG inside, for JPEG XL a PNG of the picture. */
export type DecoderReply =
  | { pixels: Uint8Array<ArrayBuffer>; width: number; height: number }
  | { file: Uint8Array }
  | { notRaw: true }
  | { problem: PictureProblem };

const workerEntry = join(import.meta.dirname, '..', 'decoder-worker.ts');

/** Threads that wait for the next file; none is started before there is one. */
const idle: Worker[] = [];
const decoding = new PQueue({ concurrency: availableParallelism() });

/** The picture of a HEIC file: RGB, 8 bit, upright as its container says, without its colour profile. Throws PictureError. */
export async function decodeHeic(bytes: Uint8Array): Promise<Picture> {
  const reply = await ask({ kind: 'heic', bytes });
  if (!('pixels' in reply)) throw badReply(reply);
  return reply;
}

/** The JPEG that a camera put into a RAW file; undefined when the file is none. Throws PictureError. */
export async function extractPreview(bytes: Uint8Array): Promise<Buffer | undefined> {
  const reply = await ask({ kind: 'raw', bytes });
  if ('notRaw' in reply) return undefined;
  return fileOf(reply);
}

/** The picture of a JPEG XL file as PNG: upright, in sRGB, 8 bits. Throws PictureError. */
export async function convertJxl(bytes: Uint8Array): Promise<Buffer> {
  return fileOf(await ask({ kind: 'jxl', bytes }));
}

/** The picture of a JPEG 2000 file: RGB, 8 bit. Throws PictureError. */
export async function decodeJp2(bytes: Uint8Array): Promise<Picture> {
  const reply = await ask({ kind: 'jp2', bytes });
  if (!('pixels' in reply)) throw badReply(reply);
  return reply;
}

function fileOf(reply: DecoderReply): Buffer {
  if (!('file' in reply)) throw badReply(reply);
  return Buffer.from(reply.file.buffer, reply.file.byteOffset, reply.file.byteLength);
}

function badReply(reply: DecoderReply): PictureError {
  return 'problem' in reply ? new PictureError(reply.problem) : failure('it gave another answer');
}

function failure(details: string): PictureError {
  return new PictureError({ code: 'decoderFailed', details });
}

function ask(call: DecoderCall): Promise<DecoderReply> {
  return decoding.add(async () => {
    const worker = idle.pop() ?? new Worker(workerEntry);
    worker.ref();
    const reply = await answerOf(worker, call);
    worker.unref(); // it keeps no process alive
    idle.push(worker);
    return reply;
  });
}

/** Rejects with PictureError when the thread ends instead of answering; it is not used again then. */
function answerOf(worker: Worker, call: DecoderCall): Promise<DecoderReply> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      reject(new PictureError({ code: 'tooSlow' }));
      void worker.terminate();
    }, LONGEST_DECODING * 1000);
    const fail = (details: string) => {
      clearTimeout(late);
      reject(failure(details));
    };
    worker.removeAllListeners();
    worker.once('message', (reply: DecoderReply) => {
      clearTimeout(late);
      resolve(reply);
    });
    worker.once('error', (error) => fail(error instanceof Error ? error.message : String(error)));
    worker.once('exit', () => fail('its thread ended'));
    worker.postMessage(call);
  });
}
