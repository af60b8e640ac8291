import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { WebSocketServer } from 'ws';
import type { AppService } from '../core/app-service.ts';
import { AppError, codeOf } from '../shared/errors.ts';
import { SOCKET_PATH } from '../shared/wire.ts';
import { Access, foreignOrigin } from './access.ts';
import { SECURITY_HEADERS } from './security-headers.ts';
import { refusal, WindowRoutes } from './window-routes.ts';
import { connectWindow, LARGEST_MESSAGE } from './window-socket.ts';

const LOOPBACK = ['127.0.0.1', '::1'];
const GOING_AWAY = 1001; // code of RFC 6455 for closing

export interface WindowServer {
  port: number;
  /** Opens the window; holds the token. */
  url: string;
  close(): Promise<void>;
}

export interface WindowServerOptions {
  app: AppService;
  /** Where the window was built into. */
  windowFolder: string;
  port: number; // 0 takes any that is free
  token: string; // that lets in whoever has it
  /** Milliseconds until a connection must have sent the head of a request; 10,000 without it. */
  patience?: number;
}

/**
 * Serves the window to browsers of this computer. Throws NOT_FOUND when the window was not built, BAD_ARGUMENT when the
 * port is taken.
 */
export async function serveWindow({
  patience = PATIENCE,
  ...options
}: WindowServerOptions): Promise<WindowServer> {
  const { app, windowFolder, port, token } = options;
  if (!existsSync(join(windowFolder, 'index.html')))
    throw new AppError('NOT_FOUND', 'The window is not built yet', 'Run `npm run setup` and try again.');
  const site = new Site({ app, windowFolder, token, patience });
  const servers = await listen(port, () => site.createServer());
  const bound = portOf(servers[0]);
  return {
    port: bound,
    url: `http://127.0.0.1:${bound}/?token=${site.access.token}`,
    close: () => site.close(servers),
  };
}

/** A window sends its requests at once, and over few connections; whoever does not loses theirs. */
const PATIENCE = 10_000; // milliseconds for the head of a request
const LARGEST_HEAD = 16 * 1024; // bytes
const MOST_CONNECTIONS = 256; // of each address
const MOST_WINDOWS = 64;

/** What is behind the servers on the addresses of this computer. */
class Site {
  readonly access: Access;
  readonly #app: AppService;
  readonly #patience: number; // milliseconds
  readonly #routes: WindowRoutes;
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: LARGEST_MESSAGE });

  constructor({ app, windowFolder, token, patience }: Omit<Required<WindowServerOptions>, 'port'>) {
    this.access = new Access(token);
    this.#app = app;
    this.#patience = patience;
    this.#routes = new WindowRoutes(windowFolder, app.pictures);
  }

  createServer(): Server {
    const bounds = {
      headersTimeout: this.#patience,
      requestTimeout: 2 * this.#patience, // of all of it
      connectionsCheckingInterval: this.#patience / 4,
      maxHeaderSize: LARGEST_HEAD,
    };
    const server = createServer(bounds, (request, response) => void this.#answer(request, response));
    server.maxConnections = MOST_CONNECTIONS;
    return server.on('upgrade', (request, stream, head) => this.#upgrade(request, stream, head));
  }

  async close(servers: Server[]): Promise<void> {
    for (const socket of this.#sockets.clients) socket.close(GOING_AWAY, 'Winnow has ended');
    const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)));
    for (const server of servers) server.closeAllConnections();
    for (const socket of this.#sockets.clients) socket.terminate();
    await Promise.all(closed);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const controller = new AbortController();
    response.on('close', () => controller.abort());
    await send(await this.#respond(request, controller.signal), request, response);
  }

  async #respond(request: IncomingMessage, signal: AbortSignal): Promise<Response> {
    const foreign = foreignOrigin(request.headers);
    if (foreign !== undefined) return refusal(403, foreign);
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return refusal(405, 'Winnow is only read over HTTP');
    const url = URL.parse(`http://localhost${request.url ?? ''}`);
    if (url === null) return refusal(400, 'The address is not encoded as an address');
    const token = url.searchParams.get('token');
    if (url.pathname === '/' && token !== null) return this.#admit(token);
    if (!this.access.isAdmitted(request.headers))
      return refusal(403, 'Open the address that `winnow serve` printed');
    const ifNoneMatch = request.headers['if-none-match'];
    return this.#routes.respond({ pathname: url.pathname, ifNoneMatch, signal });
  }

  /** Takes the token out of the address, where it would stay in the history. */
  #admit(token: string): Response {
    const cookie = this.access.admit(token);
    if (cookie === undefined)
      return refusal(
        403,
        'The token in the address is not right; open the one that `winnow serve` printed last',
      );
    return new Response(null, {
      status: 303,
      headers: { ...SECURITY_HEADERS, Location: '/', 'Set-Cookie': cookie },
    });
  }

  #upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const { headers, url } = request;
    // A browser always says which page opens a WebSocket.
    const isAllowed =
      url === SOCKET_PATH &&
      headers.origin !== undefined &&
      foreignOrigin(headers) === undefined &&
      this.access.isAdmitted(headers);
    const isOneMore = this.#sockets.clients.size >= MOST_WINDOWS;
    if (isAllowed && !isOneMore)
      this.#sockets.handleUpgrade(request, stream, head, (socket) => connectWindow(socket, this.#app));
    else {
      const status = isAllowed ? '503 Service Unavailable' : '403 Forbidden';
      stream.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    }
  }
}

async function send(answer: Response, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  if (answer.body === null || request.method === 'HEAD') {
    await answer.body?.cancel();
    response.end();
    return;
  }
  try {
    await pipeline(Readable.fromWeb(answer.body), response);
  } catch {
    response.destroy(); // the window has gone, or the file ended early: what came is not whole
  }
}

/** Servers on every loopback address that this computer has, on one port. */
async function listen(port: number, create: () => Server): Promise<Server[]> {
  const servers: Server[] = [];
  for (const address of LOOPBACK) {
    const server = create();
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(servers[0] === undefined ? port : portOf(servers[0]), address, resolve);
      });
      servers.push(server);
    } catch (error) {
      const code = codeOf(error);
      const hasNoSuchAddress = code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT';
      if (servers.length > 0 && hasNoSuchAddress) continue;
      for (const other of servers) other.close();
      throw cannotListen(port, error);
    }
  }
  return servers;
}

function cannotListen(port: number, cause: unknown): AppError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const hint = 'Name another one with --port; 0 takes any that is free.';
  return new AppError('BAD_ARGUMENT', `Port ${port} of this computer cannot be used: ${reason}`, hint, {
    cause,
  });
}

function portOf(server: Server | undefined): number {
  const address = server?.address();
  if (typeof address !== 'object' || address === null)
    throw new Error('The server does not listen on a port');
  return address.port;
}
