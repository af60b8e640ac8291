import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { HostEnded, HostProcess } from '../../../../electron/engine/hosts/host-process.ts';
import { forkHost } from '../../../../electron/engine/hosts/start-host.ts';

const leavingHost = join(import.meta.dirname, 'leaving-host.ts');

suite('a host process', () => {
  test('says how it ended, also to requests that found its channel closed before', async () => {
    const host = new HostProcess<{ anything(): Promise<void> }>(forkHost, leavingHost, 1, 'the host');
    const failures: Promise<unknown>[] = [];
    while (host.ended === undefined) {
      failures.push(host.ask('anything', [], 20_000).catch((error: unknown) => error));
      await setTimeout(10);
    }
    for (const failure of await Promise.all(failures)) {
      assert.ok(failure instanceof HostEnded);
      assert.match(failure.message, /^the host was ended from outside \(SIGKILL\)/);
    }
  });
});
