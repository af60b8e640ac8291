import { toHostError } from './messages.ts';
import type { AnyRequest, HostReply } from './messages.ts';

/**
 * Answers the requests of this process's parent until the channel closes. Everything worth keeping is on the parent's side,
 * so the end of the channel ends the process at once.
 */
export function answerRequests(perform: (request: AnyRequest) => Promise<unknown>): void {
  const answer = async (request: AnyRequest): Promise<void> => {
    try {
      reply({ kind: 'value', id: request.id, value: await perform(request) });
    } catch (error) {
      reply({ kind: 'error', id: request.id, error: toHostError(error) });
    }
  };
  const port = parentPort();
  if (port === undefined) process.on('message', (request: AnyRequest) => void answer(request));
  else port.on('message', ({ data }) => void answer(data as AnyRequest));
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  // Ctrl-C reaches every process of the terminal; what happens then is the parent's decision.
  process.on('SIGINT', () => undefined);
  reply({ kind: 'ready' });
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
