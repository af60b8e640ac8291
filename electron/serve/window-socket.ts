import type { RawData, WebSocket } from 'ws';
import type { AppService } from '../core/app-service.ts';
import type { AppApi } from '../shared/app-api.ts';
import { excessOf } from '../shared/bounded-json.ts';
import { decodeWire, encodeWire } from '../shared/wire.ts';
import { answerCall } from './answer-call.ts';
import { EventOutlet } from './event-outlet.ts';

/** Bytes of a message at most: a review of a million images. */
export const LARGEST_MESSAGE = 16 * 1024 ** 2;

/** What the largest calls have several times over: a review of ten thousand boxes in an image, or of a million images. */
const CALL_BOUNDS = { depth: 16, containers: 100_000, keys: 200_000, items: 2_500_000 };

const UNSUPPORTED = 1003; // codes of RFC 6455 for closing
const POLICY_VIOLATION = 1008;

/** Answers a window's calls and tells it the app's events until it closes. What is no call ends the connection. */
export function connectWindow(socket: WebSocket, service: Pick<AppService, 'connect'>): void {
  const app = service.connect();
  const outlet = new EventOutlet(socket);
  const unsubscribe = app.subscribe((event) => outlet.send(event));
  socket.on('close', () => {
    unsubscribe();
    app.disconnect();
  });
  socket.on('error', () => socket.terminate()); // a message too large or against the protocol
  socket.on('message', (data: RawData, isBinary: boolean) => {
    if (isBinary) {
      socket.close(UNSUPPORTED, 'a call is text');
      return;
    }
    const call = readCall(data);
    if (typeof call === 'string') socket.close(POLICY_VIOLATION, call);
    else void answer(socket, app, call);
  });
}

interface ReceivedCall {
  id: number;
  name: unknown;
  request: unknown;
}

/** The call that a message stands for, or why it stands for none. */
function readCall(data: RawData): ReceivedCall | string {
  const none = 'a call is JSON with id, name and request';
  const text = Buffer.isBuffer(data) ? data.toString() : '';
  const excess = excessOf(text, CALL_BOUNDS);
  if (excess !== undefined) return excess;
  let message: unknown;
  try {
    message = decodeWire(text);
  } catch {
    return none;
  }
  if (typeof message !== 'object' || message === null || !('id' in message && 'name' in message)) return none;
  const { id, name } = message;
  if (typeof id !== 'number' || !Number.isSafeInteger(id)) return none;
  return { id, name, request: 'request' in message ? message.request : undefined };
}

async function answer(socket: WebSocket, app: AppApi, { id, name, request }: ReceivedCall): Promise<void> {
  const text = encodeWire({ id, ...(await answerCall(app, name, request)) });
  if (socket.readyState === socket.OPEN) socket.send(text);
}
