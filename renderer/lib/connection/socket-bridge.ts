import type { AppCall, AppEvent } from '../../../electron/shared/app-api.ts';
import type { Answer, WindowBridge } from '../../../electron/shared/window-bridge.ts';
import { decodeWire, encodeWire } from '../../../electron/shared/wire.ts';
import type { WireMessage } from '../../../electron/shared/wire.ts';

/** The part of a WebSocket that a bridge needs. It reconnects by itself, so `open` may be raised many times. */
export interface Socket {
  send(text: string): void;
  addEventListener(type: 'open' | 'close', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
}

/** `waiting` is the time before the first connection. */
export type ConnectionState = 'waiting' | 'open' | 'lost';

const lost = {
  code: 'CONNECTION',
  message: 'The connection to Winnow was lost before an answer came',
  hint: 'Runs go on meanwhile. Try again when the window says that it is connected.',
} as const;

interface Pending {
  text: string;
  settle(answer: Answer<AppCall>): void;
}

/**
 * A WindowBridge over a WebSocket. Calls that are made while there is no connection wait for one; calls that were sent
 * and not answered when it broke fail with CONNECTION, for nobody knows whether they happened.
 */
export function createSocketBridge(
  socket: Socket,
  onState: (state: ConnectionState) => void = () => undefined,
): WindowBridge {
  const listeners = new Set<(event: AppEvent) => void>();
  const sent = new Map<number, Pending>();
  const unsent = new Map<number, Pending>();
  let isOpen = false;
  let lastId = 0;

  function post(id: number, pending: Pending): void {
    (isOpen ? sent : unsent).set(id, pending);
    if (isOpen) socket.send(pending.text);
  }

  function receive(data: unknown): void {
    if (typeof data !== 'string') return; // the protocol sends text only
    const message = decodeWire(data) as WireMessage;
    if ('event' in message) {
      for (const listener of listeners) listener(message.event);
      return;
    }
    const pending = sent.get(message.id);
    sent.delete(message.id);
    pending?.settle(message as Answer<AppCall>);
  }

  socket.addEventListener('open', () => {
    isOpen = true;
    onState('open');
    const waiting = [...unsent];
    unsent.clear();
    for (const [id, pending] of waiting) post(id, pending);
  });
  socket.addEventListener('close', () => {
    isOpen = false;
    onState('lost');
    const broken = [...sent.values()];
    sent.clear();
    for (const pending of broken) pending.settle({ error: lost });
  });
  socket.addEventListener('message', ({ data }) => receive(data));

  return {
    call<Call extends AppCall>(name: Call, request: unknown): Promise<Answer<Call>> {
      const id = ++lastId;
      return new Promise((resolve) => {
        const text = encodeWire({ id, name, request });
        post(id, { text, settle: (answer) => resolve(answer as Answer<Call>) });
      });
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
