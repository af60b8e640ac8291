import { parentPort } from 'node:worker_threads';
import type { DecoderCall, DecoderReply } from './decoder-threads.ts';
import { heicPicture } from './heic-picture.ts';
import { rawPreview } from './raw-preview.ts';

// Decoders in WebAssembly compute up to a second at a stretch, so they have threads of their own.
parentPort?.on('message', (call: DecoderCall) => void answer(call));

async function answer({ kind, bytes }: DecoderCall): Promise<void> {
  const reply: DecoderReply = kind === 'heic' ? await heicPicture(bytes) : await rawPreview(bytes);
  const pixels = 'pixels' in reply ? [reply.pixels.buffer] : [];
  parentPort?.postMessage(reply, pixels); // moved, not copied
}
