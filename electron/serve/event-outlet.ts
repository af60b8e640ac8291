import type { WebSocket } from 'ws';
import type { AppEvent } from '../shared/app-api.ts';
import { encodeWire } from '../shared/wire.ts';

const FULL = 1024 ** 2; // bytes that wait for a slow window before news of progress is held back
const TOO_MUCH = 64 * 1024 ** 2; // bytes that wait for a window that has stopped to read

/** Events of which the last says it all. */
const REPLACEABLE = new Set<AppEvent['type']>([
  'progress',
  'scanning',
  'calibrating',
  'exporting',
  'labelled',
  'trainingStep',
]);

/**
 * Sends events to one window. While it is slow, of each kind of progress only the last is kept, and sent when it has
 * caught up; a window that has stopped to read is cut off.
 */
export class EventOutlet {
  readonly #socket: WebSocket;
  readonly #held = new Map<AppEvent['type'], AppEvent>();

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  send(event: AppEvent): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#socket.bufferedAmount > TOO_MUCH) this.#socket.terminate();
    else if (this.#socket.bufferedAmount > FULL && REPLACEABLE.has(event.type))
      this.#held.set(event.type, event);
    else this.#write(event);
  }

  #write(event: AppEvent): void {
    this.#held.delete(event.type); // older
    this.#socket.send(encodeWire({ event }), () => this.#catchUp());
  }

  #catchUp(): void {
    if (this.#held.size === 0 || this.#socket.bufferedAmount > FULL) return;
    const held = [...this.#held.values()];
    this.#held.clear();
    for (const event of held) this.send(event);
  }
}
