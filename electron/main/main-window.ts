import { join } from 'node:path';
import { app, BrowserWindow, nativeTheme, screen } from 'electron';
import type { IpcMainInvokeEvent, WebContents } from 'electron';
import type { AppPaths } from './app-paths.ts';
import { ORIGIN, WINDOW_URL } from './scheme.ts';
import { restoredState, saveState, SMALLEST } from './window-state.ts';

const BACKGROUND = { light: '#faf9f6', dark: '#171614' }; // until the page has drawn its own

/** The one window. It may be closed and, on macOS, opened again. */
export class MainWindow {
  readonly #paths: AppPaths;
  readonly #statePath: string;
  #window: BrowserWindow | undefined;

  constructor(paths: AppPaths) {
    this.#paths = paths;
    this.#statePath = join(paths.data, 'window.json');
  }

  /** Undefined while it is closed. */
  get browserWindow(): BrowserWindow | undefined {
    return this.#window;
  }

  /** Opens the window, or brings it to the front. */
  show(): void {
    const window = this.#window;
    if (window === undefined) {
      this.#open();
      return;
    }
    if (window.isMinimized()) window.restore();
    window.focus();
  }

  /** Tells the page something; nothing happens while the window is closed. */
  send(channel: string, message: unknown): void {
    this.#window?.webContents.send(channel, message);
  }

  /** Whether a message comes from the page itself, and not from a frame or a page of another origin. */
  isSender({ sender, senderFrame }: IpcMainInvokeEvent): boolean {
    return (
      this.#window !== undefined &&
      sender === this.#window.webContents &&
      senderFrame === sender.mainFrame &&
      senderFrame.url.startsWith(`${ORIGIN}/`)
    );
  }

  /** A place that cannot be kept is no reason to keep the window open. */
  #saveState(window: BrowserWindow): void {
    try {
      saveState(this.#statePath, { ...window.getNormalBounds(), maximized: window.isMaximized() });
    } catch (error) {
      console.error(error);
    }
  }

  #open(): void {
    const screens = screen.getAllDisplays().map(({ workArea }) => workArea);
    const { maximized = false, ...bounds } = restoredState(this.#statePath, screens);
    const window = new BrowserWindow({
      ...bounds,
      minWidth: SMALLEST.width,
      minHeight: SMALLEST.height,
      show: false,
      backgroundColor: nativeTheme.shouldUseDarkColors ? BACKGROUND.dark : BACKGROUND.light,
      webPreferences: {
        preload: this.#paths.preload,
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        webviewTag: false,
        spellcheck: false,
        devTools: !app.isPackaged,
      },
    });
    this.#window = window;
    if (maximized) window.maximize();
    refuseOtherPages(window.webContents);
    window.once('ready-to-show', () => window.show());
    window.on('close', () => this.#saveState(window));
    window.on('closed', () => (this.#window = undefined));
    void window.loadURL(WINDOW_URL);
  }
}

/** The window stays on its page: nothing else is opened, here or in a new window. */
function refuseOtherPages(contents: WebContents): void {
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  contents.on('will-navigate', (event) => {
    if (!event.url.startsWith(`${ORIGIN}/`)) event.preventDefault();
  });
  contents.on('will-frame-navigate', (event) => {
    if (!event.url.startsWith(`${ORIGIN}/`)) event.preventDefault();
  });
  contents.on('will-redirect', (event) => event.preventDefault());
  contents.on('will-attach-webview', (event) => event.preventDefault());
}
