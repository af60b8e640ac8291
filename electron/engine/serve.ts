import type { NativeAddon } from './addon.ts';
import { BatchEngine } from './batch-engine.ts';
import type { ImageDecoder } from './decode-image.ts';
import { toHostError } from './messages.ts';
import type { HostReply, HostRequest, HostResults } from './messages.ts';

/**
 * Answers the engine client's requests in this process until the channel closes. Everything worth keeping is
 * on the client's side, so the end of the channel ends the process at once.
 */
export function serve(addon: NativeAddon, decoder: ImageDecoder): void {
  const engine = new BatchEngine(addon, decoder);
  const answer = async (request: HostRequest): Promise<void> => {
    try {
      reply({ kind: 'value', id: request.id, value: await perform(engine, request) });
    } catch (error) {
      reply({ kind: 'error', id: request.id, error: toHostError(error) });
    }
  };
  process.on('message', (request: HostRequest) => void answer(request));
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  // Ctrl-C reaches every process of the terminal; what happens then is the client's decision.
  process.on('SIGINT', () => undefined);
  reply({ kind: 'ready' });
}

function perform(engine: BatchEngine, request: HostRequest): Promise<HostResults[HostRequest['call']]> {
  switch (request.call) {
    case 'devices':
      return Promise.resolve(engine.devices());
    case 'open':
      return engine.open(request.model);
    case 'predict':
      return engine.predict(request.paths, request.dial);
  }
}

function reply(message: HostReply): void {
  process.send?.(message);
}
