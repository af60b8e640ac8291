import { WebSocket as ReconnectingSocket } from 'partysocket';
import type { AppApi } from '../../../electron/shared/app-api.ts';
import type { Desktop, WindowBridge } from '../../../electron/shared/window-bridge.ts';
import { SOCKET_PATH } from '../../../electron/shared/wire.ts';
import { createClient } from './client.ts';
import { createSocketBridge } from './socket-bridge.ts';
import type { ConnectionState } from './socket-bridge.ts';

declare global {
  interface Window {
    /** Set by the preload script of the desktop app. */
    winnow?: WindowBridge;
  }
}

class Connection {
  state: ConnectionState = $state('waiting');
  /** How often the connection came back after it was lost; what was read before may be out of date. */
  returns = $state(0);
  /** When the connection was lost; ISO 8601. */
  lostAt: string | undefined = $state();
  /** Whether Winnow answers but refuses this window, since the token was changed. */
  isRefused = $state(false);

  become(state: ConnectionState): void {
    if (state === 'open' && this.lostAt !== undefined) this.returns++;
    if (state === 'open') [this.lostAt, this.isRefused] = [undefined, false];
    if (state === 'lost') {
      this.lostAt ??= new Date().toISOString();
      void this.lookWhy();
    }
    this.state = state;
  }

  /** A WebSocket does not tell why it did not connect; the status of the page's own address does. */
  private async lookWhy(): Promise<void> {
    const answer = await fetch('/', { method: 'HEAD', cache: 'no-store' }).catch(() => undefined); // Winnow does not run
    this.isRefused = answer?.status === 403 && this.state === 'lost';
  }
}

/** The connection to the process that does the work; always open in the desktop app. */
export const connection = new Connection();

function openBridge(): WindowBridge {
  if (window.winnow) {
    connection.state = 'open';
    return window.winnow;
  }
  const { protocol, host } = window.location;
  const address = `${protocol === 'https:' ? 'wss' : 'ws'}://${host}${SOCKET_PATH}`;
  const socket = new ReconnectingSocket(address, [], {
    minReconnectionDelay: 500,
    maxReconnectionDelay: 5000,
  });
  return createSocketBridge(socket, (state) => connection.become(state));
}

const bridge = openBridge();

/** Everything that Winnow does. Calls reject with AppErrors. */
export const api: AppApi = createClient(bridge);

/** What only a desktop window can do; undefined in a browser. */
export const desktop: Desktop | undefined = bridge.desktop;

/** Address of an image's thumbnail. */
export const thumbnailUrl = (imageId: number) => `/thumbnail/${imageId}`;

/** Address of the thumbnail of a picture that a training learns from or is tested with. */
export const trainingPictureUrl = (trainingId: number, index: number) => `/training/${trainingId}/${index}`;

/** Address of the upright picture of an image. */
export const imageUrl = (imageId: number) => `/image/${imageId}`;
