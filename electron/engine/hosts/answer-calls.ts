import { answerMessage, makeCall } from '../../shared/calls.ts';
import type { CallMessage } from '../../shared/calls.ts';
import { toHostError } from './messages.ts';
import type { HostReply } from './messages.ts';

/**
 * Makes the calls of this process's parent on `handlers`, which have no name in common, until the channel closes. Everything
 * worth keeping is on the parent's side, so the end of the channel ends the process at once.
 */
export function answerCalls(...handlers: readonly object[]): void {
  const answer = (message: CallMessage) =>
    answerMessage(message, () => makeCall(message, handlers), toHostError, reply);
  const port = parentPort();
  if (port === undefined) process.on('message', (message: CallMessage) => void answer(message));
  else port.on('message', ({ data }) => void answer(data as CallMessage));
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
