import type { NativeAddon } from './addon.ts';
import { BatchEngine } from './batch-engine.ts';
import type { ImageDecoder } from './decode-image.ts';
import { toHostError } from './messages.ts';
import type { HostReply, HostRequest, HostResults } from './messages.ts';
import { PictureRenderer } from './render-picture.ts';

/**
 * Answers the engine client's requests in this process until the channel closes. Everything worth keeping is
 * on the client's side, so the end of the channel ends the process at once.
 */
export function serve(addon: NativeAddon, decoder: ImageDecoder): void {
  const engine = new BatchEngine(addon, decoder);
  const renderer = new PictureRenderer(decoder, () => engine.isPredicting);
  const answer = async (request: HostRequest): Promise<void> => {
    try {
      reply({ kind: 'value', id: request.id, value: await perform(engine, renderer, request) });
    } catch (error) {
      reply({ kind: 'error', id: request.id, error: toHostError(error) });
    }
  };
  const port = parentPort();
  if (port === undefined) process.on('message', (request: HostRequest) => void answer(request));
  else port.on('message', ({ data }) => void answer(data as HostRequest));
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  // Ctrl-C reaches every process of the terminal; what happens then is the client's decision.
  process.on('SIGINT', () => undefined);
  reply({ kind: 'ready' });
}

function perform(
  engine: BatchEngine,
  renderer: PictureRenderer,
  request: HostRequest,
): Promise<HostResults[HostRequest['call']]> {
  switch (request.call) {
    case 'devices':
      return Promise.resolve(engine.devices());
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

function reply(message: HostReply): void {
  const port = parentPort();
  if (port === undefined) process.send?.(message);
  else port.postMessage(message);
}

/** What Electron gives a process of its own instead of Node's channel. */
interface ParentPort {
  on(event: 'message', listener: (message: { data: unknown }) => void): void;
  postMessage(message: unknown): void;
}

function parentPort(): ParentPort | undefined {
  return (process as { parentPort?: ParentPort }).parentPort;
}
