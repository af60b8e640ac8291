import type { NativeAddon } from '../addon.ts';
import type { ImageDecoder } from '../pictures/decode-image.ts';
import { PictureTrainer } from '../predict/picture-trainer.ts';
import { answerCalls } from './answer-calls.ts';

/** Answers the trainer client in this process until the channel closes. */
export function serveTraining(addon: NativeAddon, decoder: ImageDecoder): void {
  answerCalls(new PictureTrainer(addon, decoder));
}
