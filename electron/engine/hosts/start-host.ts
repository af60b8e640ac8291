import { fork } from 'node:child_process';
import type { CallMessage } from '../../shared/calls.ts';
import type { HostReply } from './messages.ts';

/** A process that runs a host, however it was started. */
export interface HostChild {
  stderr: NodeJS.ReadableStream | null;
  send(message: CallMessage): void;
  onMessage(listener: (reply: HostReply) => void): void;
  /**
   * Hears that the process could not be started or has ended, and why: an error, an exit code or a signal. The first counts.
   */
  onEnd(
    listener: (end: { error?: Error; code?: number | null; signal?: NodeJS.Signals | null }) => void,
  ): void;
  /** Ends the process at once, whatever it does. */
  kill(): void;
}

/** Starts `entry`, a module that answers calls, with an environment. */
export type StartHost = (entry: string, environment: NodeJS.ProcessEnv) => HostChild;

/** A host under Node. */
export const forkHost: StartHost = (entry, environment) => {
  const child = fork(entry, [], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: environment,
  });
  return {
    stderr: child.stderr,
    send: (message) => void child.send(message, ignoreFailure),
    onMessage: (listener) => void child.on('message', listener),
    onEnd: (listener) => {
      child.on('error', (error) => listener({ error }));
      child.on('close', (code, signal) => listener({ code, signal }));
    },
    kill: () => void child.kill('SIGKILL'),
  };
};

/** A call that finds its host's channel closed: the process is ending, and its end says why better than the channel. */
const ignoreFailure = () => undefined;
