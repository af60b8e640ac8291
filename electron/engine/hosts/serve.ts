import type { NativeAddon } from '../addon.ts';
import { answerRequests } from './answer-requests.ts';
import { BatchEngine } from '../predict/batch-engine.ts';
import type { ImageDecoder } from '../pictures/decode-image.ts';
import type { HostRequest, HostResults } from './messages.ts';
import { PictureRenderer } from '../pictures/render-picture.ts';

/** Answers the engine client's requests in this process until the channel closes. */
export function serve(addon: NativeAddon, decoder: ImageDecoder): void {
  const engine = new BatchEngine(addon, decoder);
  const renderer = new PictureRenderer(decoder, () => engine.isPredicting);
  answerRequests((request) => perform(engine, renderer, request as HostRequest));
}

function perform(
  engine: BatchEngine,
  renderer: PictureRenderer,
  request: HostRequest,
): Promise<HostResults[HostRequest['call']]> {
  switch (request.call) {
    case 'devices':
      return Promise.resolve(engine.devices(request.withGpus));
    case 'open':
      return engine.open(request.model);
    case 'predict':
      return engine.predict(request.paths, request.dial);
    case 'render':
      return renderer.render(request.path, request.options);
    case 'crop':
      return renderer.crop(request.path, request.boxes);
    case 'overlay':
      return renderer.overlay(request.path, request.marks);
  }
}
