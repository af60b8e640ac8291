import type { RawData, WebSocket } from 'ws';
import type { AppApi } from '../shared/app-api.ts';
import { decodeWire, encodeWire } from '../shared/wire.ts';
import { answerCall } from './answer-call.ts';
import { EventOutlet } from './event-outlet.ts';

/** Bytes of a message at most: a review of a million images. */
export const LARGEST_MESSAGE = 16 * 1024 ** 2;

const UNSUPPORTED = 1003; // codes of RFC 6455 for closing
const POLICY_VIOLATION = 1008;

/** Answers a window's calls and tells it the app's events until it closes. What is no call ends the connection. */
export function connectWindow(socket: WebSocket, app: AppApi): void {
  const outlet = new EventOutlet(socket);
  const unsubscribe = app.subscribe((event) => outlet.send(event));
  socket.on('close', unsubscribe);
  socket.on('error', () => socket.terminate()); // a message too large or against the protocol
  socket.on('message', (data: RawData, isBinary: boolean) => {
    if (isBinary) {
      socket.close(UNSUPPORTED, 'a call is text');
      return;
    }
    const call = readCall(data);
    if (call === undefined) socket.close(POLICY_VIOLATION, 'a call is JSON with id, name and request');
    else void answer(socket, app, call);
  });
}

interface ReceivedCall {
  id: number;
  name: unknown;
  request: unknown;
}

function readCall(data: RawData): ReceivedCall | undefined {
  let message: unknown;
  try {
    message = decodeWire(Buffer.isBuffer(data) ? data.toString() : '');
  } catch {
    return undefined;
  }
  if (typeof message !== 'object' || message === null || !('id' in message && 'name' in message))
    return undefined;
  const { id, name } = message;
  if (typeof id !== 'number' || !Number.isSafeInteger(id)) return undefined;
  return { id, name, request: 'request' in message ? message.request : undefined };
}

async function answer(socket: WebSocket, app: AppApi, { id, name, request }: ReceivedCall): Promise<void> {
  const text = encodeWire({ id, ...(await answerCall(app, name, request)) });
  if (socket.readyState === socket.OPEN) socket.send(text);
}
