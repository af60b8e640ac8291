import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { WebSocket } from 'ws';
import { EventOutlet } from '../../../electron/serve/event-outlet.ts';
import type { AppEvent } from '../../../electron/shared/app-api.ts';
import { decodeWire } from '../../../electron/shared/wire.ts';

const MIB = 1024 ** 2;

/** A connection whose other side reads when it is told to. */
class SocketDouble {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  terminated = false;
  readonly sent: string[] = [];
  #whenSent: (() => void)[] = [];

  send(text: string, whenSent: () => void): void {
    const { event } = decodeWire(text) as { event: AppEvent };
    this.sent.push(event.type === 'scanning' ? `scanning ${event.files}` : event.type);
    this.#whenSent.push(whenSent);
  }

  terminate(): void {
    this.terminated = true;
  }

  read(): void {
    this.bufferedAmount = 0;
    const told = this.#whenSent;
    this.#whenSent = [];
    for (const tell of told) tell();
  }
}

const scanning = (files: number): AppEvent => ({ type: 'scanning', path: '/pictures', files });
const notice: AppEvent = { type: 'notice', message: 'something happened' };

function outlet() {
  const socket = new SocketDouble();
  return { socket, events: new EventOutlet(socket as unknown as WebSocket) };
}

suite('events for a slow window', () => {
  test('go at once while it keeps up', () => {
    const { socket, events } = outlet();
    for (const event of [scanning(1), scanning(2), notice]) events.send(event);
    assert.deepEqual(socket.sent, ['scanning 1', 'scanning 2', 'notice']);
  });

  test('are the last of each kind of progress, and all of the others', () => {
    const { socket, events } = outlet();
    events.send(scanning(1));
    socket.bufferedAmount = 2 * MIB;
    for (let files = 2; files < 100; files++) events.send(scanning(files));
    events.send({ type: 'exporting', done: 1, total: 2 });
    events.send(notice);
    assert.deepEqual(socket.sent, ['scanning 1', 'notice']);
    socket.read();
    assert.deepEqual(socket.sent, ['scanning 1', 'notice', 'scanning 99', 'exporting']);
    socket.read();
    assert.equal(socket.sent.length, 4);
  });

  test('end with the connection when it reads no more', () => {
    const { socket, events } = outlet();
    socket.bufferedAmount = 65 * MIB;
    events.send(notice);
    assert.ok(socket.terminated);
    assert.deepEqual(socket.sent, []);
  });
});
