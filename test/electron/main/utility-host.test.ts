import '../support/electron-hooks.ts';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { EngineClient } from '../../../electron/engine/hosts/engine-client.ts';
import { connectTrainer } from '../../../electron/engine/hosts/trainer-client.ts';
import { called, processes, utilityProcess } from '../support/electron-double.ts';
import type { UtilityProcessDouble } from '../support/electron-double.ts';

const { utilityHost } = await import('../../../electron/main/utility-host.ts');

/** An engine whose host is a process of Electron's that behaves as `onStart` says. */
function engine(t: TestContext, onStart: (host: UtilityProcessDouble) => void): EngineClient {
  utilityProcess.onStart = onStart;
  const client = new EngineClient({ hostEntry: '/app/engine-host.js', startHost: utilityHost });
  t.after(() => client.close());
  return client;
}

/** A host that lives: it is ready, and has no devices. */
function answering(host: UtilityProcessDouble): void {
  queueMicrotask(() => host.emit('message', { kind: 'ready' }));
  host.on('posted', ({ id }: { id: number }) => host.emit('message', { kind: 'value', id, value: [] }));
}

suite('the engine host as a process of Electron’s', () => {
  test('is started with its threads, and asked by messages', async (t) => {
    const client = engine(t, answering);
    assert.deepEqual(await client.devices(), []);
    const [entry, args, options] = called('utilityProcess.fork').at(-1) ?? [];
    assert.deepEqual([entry, args], ['/app/engine-host.js', []]);
    const { env, serviceName } = options as { env: Record<string, string>; serviceName: string };
    assert.ok(Number(env['UV_THREADPOOL_SIZE']) >= 2);
    assert.equal(serviceName, 'Winnow engine');
    assert.deepEqual(
      processes.at(-1)?.messages.map(({ call }) => call),
      ['devices', 'devices'],
    );
  });

  test('is started again when it has ended, and that is told', async (t) => {
    const crashes: string[] = [];
    const client = engine(t, answering);
    client.onCrash((reason) => crashes.push(reason));
    await client.devices();
    const [first] = processes.slice(-1);
    first?.emit('exit', 139);
    await client.devices();
    assert.notEqual(processes.at(-1), first);
    assert.deepEqual(crashes, ['the engine host ended unexpectedly (exit code 139)']);
  });

  test('is started again when it runs out of memory', async (t) => {
    const client = engine(t, answering);
    const crashes: string[] = [];
    client.onCrash((reason) => crashes.push(reason));
    await client.devices();
    processes.at(-1)?.emit('error', 'FatalError', 'v8::heap', '{}');
    processes.at(-1)?.emit('exit', 5);
    await client.devices();
    assert.deepEqual(crashes, ['FatalError at v8::heap']);
  });

  test('is given up after some attempts, with what it printed', async (t) => {
    const client = engine(t, (host) => {
      host.stderr.write('TypeError: the driver is missing\n');
      setImmediate(() => host.emit('exit', 1));
    });
    await assert.rejects(client.devices(), { code: 'ENGINE', message: /3 attempts .*the driver is missing/ });
  });

  test('is ended whatever it does', async (t) => {
    const hanging = spawn(process.execPath, [
      '-e',
      'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)',
    ]);
    const client = engine(t, (host) => {
      host.pid = hanging.pid;
      answering(host);
    });
    await client.devices();
    await client.close();
    const [, signal] = (await once(hanging, 'exit')) as [number | null, NodeJS.Signals | null];
    if (process.platform !== 'win32') assert.equal(signal, 'SIGKILL');
  });
});

suite('the training host as a process of Electron’s', () => {
  test('is asked by messages, and started again when it has ended', async (t) => {
    utilityProcess.onStart = answering;
    const client = connectTrainer({ hostEntry: '/app/training-host.mjs', startHost: utilityHost });
    t.after(() => client.close());
    assert.deepEqual(await client.inspect(['/a.jpg'], { resize: 32, keep: false }), []);
    assert.equal(called('utilityProcess.fork').at(-1)?.[0], '/app/training-host.mjs');
    const [host] = processes.slice(-1);
    assert.deepEqual(
      host?.messages.map(({ call }) => call),
      ['inspect'],
    );
    const asked = Promise.withResolvers<UtilityProcessDouble>();
    utilityProcess.onStart = (other) => {
      queueMicrotask(() => other.emit('message', { kind: 'ready' }));
      other.on('posted', () => asked.resolve(other));
    };
    host.emit('exit', 5);
    const underWay = client.saveState('/state');
    const other = await asked.promise;
    assert.notEqual(other, host);
    other.emit('exit', 139);
    await assert.rejects(underWay, {
      code: 'ENGINE',
      message: 'Training stopped: the training host ended unexpectedly (exit code 139)',
    });
  });
});
