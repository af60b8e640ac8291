import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';

/**
 * A stand-in of the module `electron`: it notes what the app asks of it, and a test makes things happen. Tests load it
 * in the module's place through electron-hooks.ts.
 */

/** Every call of a function of the stand-in: its name and arguments, in order. */
export const calls: [name: string, ...values: unknown[]][] = [];

export const called = (name: string) =>
  calls.filter(([other]) => other === name).map(([, ...values]) => values);

/** A function that notes its calls and gives `answer`. */
function noted<T>(name: string, answer?: (...values: never[]) => T) {
  return (...values: unknown[]): T => {
    calls.push([name, ...values]);
    return answer?.(...(values as never[])) as T;
  };
}

class App extends EventEmitter {
  readonly paths: Record<string, string> = {};
  readonly name = 'Winnow';
  isPackaged = true;
  hasLock = true;
  locale = 'en-GB';
  quits = 0;
  readonly commandLine = { appendSwitch: noted('appendSwitch') };
  readonly exit = noted('exit');

  getPath(name: string): string {
    return this.paths[name] ?? `/${name}`;
  }

  setPath(name: string, path: string): void {
    this.paths[name] = path;
  }

  requestSingleInstanceLock(): boolean {
    return this.hasLock;
  }

  isReady(): boolean {
    return true;
  }

  async whenReady(): Promise<void> {
    calls.push(['whenReady']);
    await Promise.resolve();
  }

  getLocale(): string {
    return this.locale;
  }

  quit(): void {
    this.quits++;
    this.emit('before-quit', preventable());
  }
}

/** An event that can be prevented; tells whether it was. */
export function preventable<T extends object>(rest?: T) {
  const event = {
    ...(rest ?? ({} as T)),
    defaultPrevented: false,
    preventDefault: () => void (event.defaultPrevented = true),
  };
  return event;
}

export const app = new App();

export const crashReporter = { start: noted('crashReporter.start') };

type Answer = (event: unknown, ...values: unknown[]) => unknown;

/** The handlers of the app by their channels. */
export const handlers = new Map<string, Answer>();

export const ipcMain = { handle: (channel: string, answer: Answer) => void handlers.set(channel, answer) };

type SchemeHandler = (request: Request) => Promise<Response>;

/** What answers requests of a scheme. */
export const schemes = new Map<string, SchemeHandler>();

export const protocol = {
  registerSchemesAsPrivileged: noted('registerSchemesAsPrivileged'),
  handle: (scheme: string, handler: SchemeHandler) => void schemes.set(scheme, handler),
};

type RequestFilter = (details: { url: string }, answer: (result: { cancel: boolean }) => void) => void;

class SessionDouble extends EventEmitter {
  permissionRequest:
    ((contents: unknown, permission: string, answer: (allowed: boolean) => void) => void) | undefined;
  permissionCheck: (() => boolean) | undefined;
  devicePermission: (() => boolean) | undefined;
  requestFilter: RequestFilter | undefined;
  readonly setSpellCheckerEnabled = noted('setSpellCheckerEnabled');
  readonly setProxy = noted('setProxy', () => Promise.resolve());
  proxies = 'DIRECT';
  readonly webRequest = { onBeforeRequest: (filter: RequestFilter) => void (this.requestFilter = filter) };

  resolveProxy(): Promise<string> {
    return Promise.resolve(this.proxies);
  }

  setPermissionRequestHandler(handler: SessionDouble['permissionRequest']): void {
    this.permissionRequest = handler;
  }

  setPermissionCheckHandler(handler: SessionDouble['permissionCheck']): void {
    this.permissionCheck = handler;
  }

  setDevicePermissionHandler(handler: SessionDouble['devicePermission']): void {
    this.devicePermission = handler;
  }
}

/** Sessions beside the page's, by their names. */
export const partitions = new Map<string, SessionDouble>();

export const session = {
  defaultSession: new SessionDouble(),
  fromPartition: (name: string): SessionDouble => {
    const of = partitions.get(name) ?? new SessionDouble();
    partitions.set(name, of);
    return of;
  },
};

class WebContentsDouble extends EventEmitter {
  readonly sent: [channel: string, message: unknown][] = [];
  readonly mainFrame = { url: '' };
  readonly undo = noted('undo');
  readonly redo = noted('redo');
  openHandler: (() => { action: string }) | undefined;

  send(channel: string, message: unknown): void {
    this.sent.push([channel, message]);
  }

  setWindowOpenHandler(handler: () => { action: string }): void {
    this.openHandler = handler;
  }
}

export class BrowserWindow extends EventEmitter {
  /** Every window that was opened. */
  static readonly opened: BrowserWindow[] = [];
  readonly options: Record<string, unknown>;
  readonly webContents = new WebContentsDouble();
  readonly bars: number[] = [];
  bounds = { x: 10, y: 20, width: 1000, height: 700 };
  minimized = false;
  maximized = false;
  focused = false;
  readonly restore = noted('restore');
  readonly show = noted('show');

  constructor(options: Record<string, unknown>) {
    super();
    this.options = options;
    BrowserWindow.opened.push(this);
  }

  loadURL(url: string): Promise<void> {
    this.webContents.mainFrame.url = url;
    return Promise.resolve();
  }

  focus(): void {
    this.focused = true;
  }

  isFocused(): boolean {
    return this.focused;
  }

  isMinimized(): boolean {
    return this.minimized;
  }

  isMaximized(): boolean {
    return this.maximized;
  }

  maximize(): void {
    this.maximized = true;
  }

  getNormalBounds() {
    return this.bounds;
  }

  setProgressBar(share: number): void {
    this.bars.push(share);
  }
}

export const screen = {
  getAllDisplays: () => [{ workArea: { x: 0, y: 0, width: 1920, height: 1080 } }],
};

export const nativeTheme = { shouldUseDarkColors: false };

/** What the person chooses in the next dialogs. */
export const choices = { open: [] as string[], save: undefined as string | undefined };

export const dialog = {
  showErrorBox: noted('showErrorBox'),
  showMessageBox: noted('showMessageBox', () => Promise.resolve({ response: 0, checkboxChecked: false })),
  showOpenDialog: noted('showOpenDialog', () =>
    Promise.resolve({ canceled: choices.open.length === 0, filePaths: choices.open }),
  ),
  showSaveDialog: noted('showSaveDialog', () =>
    Promise.resolve({ canceled: choices.save === undefined, filePath: choices.save ?? '' }),
  ),
};

export const shell = { showItemInFolder: noted('showItemInFolder'), openExternal: noted('openExternal') };

export interface MenuItem {
  id?: string;
  role?: string;
  label?: string;
  accelerator?: string;
  registerAccelerator?: boolean;
  submenu?: MenuItem[];
  click?: () => void;
}

export const Menu = {
  buildFromTemplate: (template: MenuItem[]) => template,
  setApplicationMenu: noted('setApplicationMenu'),
};

export class Notification extends EventEmitter {
  static readonly shown: Notification[] = [];
  readonly options: { title: string; body: string };

  constructor(options: { title: string; body: string }) {
    super();
    this.options = options;
  }

  static isSupported(): boolean {
    return true;
  }

  show(): void {
    Notification.shown.push(this);
  }
}

/** What keeps the computer awake now. */
export const blockers = new Set<number>();
let nextBlocker = 1;

export const powerSaveBlocker = {
  start: noted('powerSaveBlocker.start', () => {
    blockers.add(nextBlocker);
    return nextBlocker++;
  }),
  stop: (id: number) => void blockers.delete(id),
};

export class UtilityProcessDouble extends EventEmitter {
  readonly stderr = new PassThrough();
  readonly messages: { id: number; call: string }[] = [];
  pid: number | undefined;

  postMessage(message: { id: number; call: string }): void {
    this.messages.push(message);
    this.emit('posted', message);
  }
}

/** The processes that were started, and how a new one behaves. */
export const processes: UtilityProcessDouble[] = [];

export const utilityProcess = {
  fork: (...values: unknown[]) => {
    calls.push(['utilityProcess.fork', ...values]);
    const started = new UtilityProcessDouble();
    processes.push(started);
    utilityProcess.onStart(started);
    return started;
  },
  onStart: (_started: UtilityProcessDouble): void => undefined,
};

/** What the preload script put on the page's window, and what it asks main. */
export const page: Record<string, unknown> = {};

export const contextBridge = {
  exposeInMainWorld: (name: string, value: unknown) => void (page[name] = value),
};

class IpcRenderer extends EventEmitter {
  readonly invoke = noted('invoke', () => Promise.resolve('answered'));
}

export const ipcRenderer = new IpcRenderer();

export const webUtils = { getPathForFile: (file: { name: string; path?: string }) => file.path ?? '' };
