// A host that closes its channel after the first request, and is killed a while later.
import { setTimeout } from 'node:timers/promises';

process.once('message', () => void leave());
process.send?.({ kind: 'ready' });

async function leave() {
  await setTimeout(10);
  process.disconnect();
  await setTimeout(500);
  process.kill(process.pid, 'SIGKILL');
}
