import { parentPort } from 'node:worker_threads';
import type { DecoderCall, DecoderReply } from './pictures/decoder-threads.ts';
import { heicPicture } from './formats/heic-picture.ts';
import { jp2Picture } from './formats/jp2-picture.ts';
import { jxlPicture } from './formats/jxl-picture.ts';
import { rawPreview } from './formats/raw-preview.ts';

const decoders: Record<DecoderCall['kind'], (bytes: Uint8Array) => Promise<DecoderReply>> = {
  heic: heicPicture,
  raw: rawPreview,
  jxl: jxlPicture,
  jp2: jp2Picture,
};

// Decoders in WebAssembly compute up to a second at a stretch, so they have threads of their own.
parentPort?.on('message', (call: DecoderCall) => void answer(call));

async function answer({ kind, bytes }: DecoderCall): Promise<void> {
  const reply = await decoders[kind](bytes);
  const pixels = 'pixels' in reply ? [reply.pixels.buffer] : [];
  parentPort?.postMessage(reply, pixels); // moved, not copied
}
