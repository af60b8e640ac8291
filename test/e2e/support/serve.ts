import type { ChildProcess } from 'node:child_process';
import { start } from '../../electron/support/command-line.ts';
import { childrenOf, commandOf } from './children.ts';
import { PATIENCE_MS } from './until.ts';

export interface Server {
  url: string; // with the token
  pid: number;
  /** Ends it as Ctrl-C does; throws when it does not end well. */
  stop(): Promise<void>;
  /** Ends it as a crash does. */
  kill(): Promise<void>;
}

/** Starts `winnow serve` over the library in `data`, on a free port unless one is named. */
export async function serve(data: string, port = '0', ...options: string[]): Promise<Server> {
  const { child, ended } = start(data, 'serve', '--port', port, ...options);
  const url = await Promise.race([
    addressIn(child),
    ended.then(({ stderr }) => Promise.reject(new Error(stderr))),
  ]);
  return {
    url,
    pid: child.pid ?? 0,
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
    stop: async () => {
      child.kill('SIGTERM');
      const impatience = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
      const { code, signal, stderr } = await ended;
      clearTimeout(impatience);
      if (code !== 0) throw new Error(`winnow serve ended with ${String(code ?? signal)}: ${stderr}`);
    },
  };
}

function addressIn(child: ChildProcess): Promise<string> {
  let text = '';
  return new Promise((resolve) => {
    child.stdout?.on('data', (part: string) => {
      text += part;
      const [address] = /http:\S+token=\S+/.exec(text) ?? [];
      if (address !== undefined) resolve(address);
    });
  });
}

/** Process ids of the engine hosts below a process. */
export function engineHosts(pid: number): number[] {
  return childrenOf(pid).filter((child) => commandOf(child).includes('engine-host'));
}
