import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { AppEvent } from '../../electron/shared/app-api.ts';
import { decodeWire, encodeWire } from '../../electron/shared/wire.ts';
import { createClient } from '../../renderer/lib/connection/client.ts';
import { createSocketBridge } from '../../renderer/lib/connection/socket-bridge.ts';
import type { ConnectionState } from '../../renderer/lib/connection/socket-bridge.ts';
import { appError } from '../electron/core/app-error.ts';

/** A socket whose other end is the test. */
class SocketDouble {
  readonly sent: { id: number; name: string; request: unknown }[] = [];
  private readonly listeners = new Map<string, ((event: { data: unknown }) => void)[]>();

  send(text: string): void {
    this.sent.push(decodeWire(text) as (typeof this.sent)[number]);
  }

  addEventListener(type: string, listener: (event: { data: unknown }) => void): void {
    this.listeners.set(type, [...(this.listeners.get(type) ?? []), listener]);
  }

  happen(type: 'open' | 'close' | 'message', data?: unknown): void {
    for (const listener of this.listeners.get(type) ?? []) listener({ data });
  }

  receive(message: unknown): void {
    this.happen('message', encodeWire(message));
  }
}

function connect() {
  const socket = new SocketDouble();
  const states: ConnectionState[] = [];
  const api = createClient(createSocketBridge(socket, (state) => states.push(state)));
  return { socket, states, api };
}

suite('calls of a window in a browser', () => {
  test('come back with their own values, in whatever order the answers come', async () => {
    const { socket, api } = connect();
    socket.happen('open');
    const folders = api.listFolders({});
    const images = api.findImages({ runId: 3, filter: {}, sort: 'path' });
    assert.deepEqual(
      socket.sent.map(({ name, request }) => ({ name, request })),
      [
        { name: 'listFolders', request: {} },
        { name: 'findImages', request: { runId: 3, filter: {}, sort: 'path' } },
      ],
    );
    const [first, second] = socket.sent;
    socket.receive({ id: second?.id, value: { imageIds: Uint32Array.of(7, 9) } });
    socket.receive({ id: first?.id, value: [] });
    assert.deepEqual(await images, { imageIds: Uint32Array.of(7, 9) });
    assert.deepEqual(await folders, []);
  });

  test('come back with nothing where there is nothing', async () => {
    const { socket, api } = connect();
    socket.happen('open');
    const undone = api.undoReview({});
    socket.receive({ id: socket.sent[0]?.id });
    assert.equal(await undone, undefined);
  });

  test('reject with the AppError that came', async () => {
    const { socket, api } = connect();
    socket.happen('open');
    const run = api.showRun({ runId: 9 });
    const error = { code: 'NOT_FOUND', message: 'There is no run 9', hint: 'List the runs' };
    socket.receive({ id: socket.sent[0]?.id, error });
    await assert.rejects(run, appError('NOT_FOUND', /no run 9/));
    await assert.rejects(run, { hint: 'List the runs' });
  });

  test('wait for the connection', async () => {
    const { socket, api } = connect();
    const folders = api.listFolders({});
    assert.equal(socket.sent.length, 0);
    socket.happen('open');
    socket.receive({ id: socket.sent[0]?.id, value: [] });
    assert.deepEqual(await folders, []);
  });

  test('fail when the connection breaks before their answer; later ones go over the next connection', async () => {
    const { socket, states, api } = connect();
    socket.happen('open');
    const broken = api.listFolders({});
    socket.happen('close');
    await assert.rejects(broken, appError('CONNECTION', /connection/));
    const later = api.listFolders({});
    assert.equal(socket.sent.length, 1);
    socket.happen('open');
    socket.receive({ id: socket.sent[1]?.id, value: [] });
    assert.deepEqual(await later, []);
    assert.deepEqual(states, ['open', 'lost', 'open']);
  });
});

suite('events of a window in a browser', () => {
  test('reach every listener until it leaves', () => {
    const { socket, api } = connect();
    const heard: AppEvent[] = [];
    const leave = api.subscribe((event) => heard.push(event));
    const event: AppEvent = { type: 'scanning', path: '/pictures', files: 12 };
    socket.receive({ event });
    leave();
    socket.receive({ event });
    assert.deepEqual(heard, [event]);
  });
});
