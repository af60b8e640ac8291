import { utilityProcess } from 'electron';
import type { StartHost } from '../engine/hosts/start-host.ts';
import type { HostReply } from '../engine/hosts/messages.ts';
import { codeOf } from '../shared/errors.ts';

/** An engine host as a process of Electron's own: with the fuses set, Electron does not run as Node. */
export const utilityHost: StartHost = (entry, environment) => {
  const child = utilityProcess.fork(entry, [], {
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
    serviceName: 'Winnow engine',
  });
  return {
    stderr: child.stderr,
    send: (message) => child.postMessage(message),
    onMessage: (listener) => void child.on('message', (reply: HostReply) => listener(reply)),
    onEnd: (listener) => {
      child.on('error', (type, location) => listener({ error: new Error(`${type} at ${location}`) }));
      child.on('exit', (code) => listener({ code }));
    },
    kill: () => {
      if (child.pid !== undefined) killNow(child.pid);
    },
  };
};

/** Electron's own kill asks a process to end, which one that hangs in native code does not hear. */
function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error; // it has ended
  }
}
