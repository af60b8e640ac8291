import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { WebSocket } from 'ws';
import { serveWindow } from '../../../electron/serve/server.ts';
import type { WindowServer } from '../../../electron/serve/server.ts';
import { decodeWire, SOCKET_PATH } from '../../../electron/shared/wire.ts';
import { writeFiles } from '../support/files.ts';
import { testApp } from '../support/test-app.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** What `winnow serve` would keep in a file. */
export const TOKEN = 'x'.repeat(43);

/** A server over a library with a double for an engine; its window is three small files. */
export async function served(t: TestContext, images = 0, options: { patience?: number } = {}) {
  const rooms = testApp(t, images);
  const built = temporaryFolder(t);
  const windowFolder = join(built, 'window');
  writeFiles(built, {
    'window/index.html': '<title>Winnow</title>',
    'window/assets/app-1a2b.js': 'export {};',
    'window/notes.txt': 'not part of a window',
    'secret.json': '{}',
  });
  const server = await serveWindow({ app: rooms.app, windowFolder, port: 0, token: TOKEN, ...options });
  t.after(() => server.close());
  return { ...rooms, server, windowFolder, origin: `http://127.0.0.1:${server.port}` };
}

export interface Answered {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** Sends a request as it is, without the corrections that a browser or fetch would make. */
export function ask(
  server: WindowServer,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port: server.port, path, headers, method }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) });
      });
    });
    asked.on('error', reject).end();
  });
}

/** The cookie that the address with the token gives. */
export async function enter(server: WindowServer): Promise<string> {
  const { pathname, search } = new URL(server.url);
  const { headers } = await ask(server, pathname + search);
  return headers['set-cookie']?.[0]?.split(';')[0] ?? '';
}

/** Opens a WebSocket; rejects with what the server answered instead. */
export async function dial(
  server: WindowServer,
  headers: Record<string, string>,
  path = SOCKET_PATH,
): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}${path}`, { headers });
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  return socket;
}

/** A window that was let in. */
export async function admitted(t: TestContext, server: WindowServer): Promise<WebSocket> {
  const socket = await dial(server, {
    Cookie: await enter(server),
    Origin: `http://127.0.0.1:${server.port}`,
  });
  t.after(() => socket.terminate());
  return socket;
}

/** The next message that `isWanted` takes. */
export function nextMessage<T>(
  socket: WebSocket,
  isWanted: (message: T) => boolean = () => true,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const hear = (data: Buffer) => {
      const message = decodeWire(data.toString()) as T;
      if (!isWanted(message)) return;
      socket.off('message', hear);
      resolve(message);
    };
    socket.on('message', hear);
    socket.once('close', (code) => reject(new Error(`The server closed the connection with ${code}`)));
  });
}
