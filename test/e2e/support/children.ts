import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Process ids of the children of a process, by whichever of its threads; none where the system does not say. */
export function childrenOf(pid: number): number[] {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) return [];
  return readdirSync(tasks).flatMap((thread) =>
    readFileSync(`${tasks}/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
}

/** The command line of a process. */
export function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
}

/**
 * Ends what failed tests have left of this process, a server or a browser, which would keep the file from ending, and says
 * what it was.
 */
export function killChildren(): void {
  for (const child of childrenOf(process.pid)) {
    const command = commandOf(child).slice(0, 200);
    if (command === '') continue; // it has ended, and nobody has asked how yet
    process.stderr.write(`Left behind by a test, and killed: ${command}\n`);
    process.kill(child, 'SIGKILL');
  }
}
