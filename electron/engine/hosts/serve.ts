import type { NativeAddon } from '../addon.ts';
import { AttentionReader } from '../predict/attention-reader.ts';
import { BatchEngine } from '../predict/batch-engine.ts';
import type { ImageDecoder } from '../pictures/decode-image.ts';
import { PictureRenderer } from '../pictures/render-picture.ts';
import { answerCalls } from './answer-calls.ts';

/** Answers the engine client in this process until the channel closes. */
export function serve(addon: NativeAddon, decoder: ImageDecoder): void {
  const engine = new BatchEngine(addon, decoder);
  const renderer = new PictureRenderer(decoder, () => engine.isPredicting);
  answerCalls(engine, renderer, new AttentionReader(addon, decoder));
}
