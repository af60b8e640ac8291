import type { AppArguments, AppCall, AppEvent, AppResults } from './app-api.ts';
import type { ErrorCode } from './errors.ts';

/** How a call comes back across a process: errors lose their class there, so they travel as values. */
export type Answer<Call extends AppCall> =
  { value: AppResults[Call] } | { error: { code: ErrorCode; message: string; hint?: string | undefined } };

/**
 * What the window stands on: in Electron the preload script puts it on `window.winnow`, in a browser the renderer makes
 * it from a WebSocket. Pictures come over the same origin in both: `/image/<id>` is the upright picture in a format
 * that browsers show, `/thumbnail/<id>` its thumbnail.
 */
export interface WindowBridge {
  call<Call extends AppCall>(name: Call, request: AppArguments<Call>): Promise<Answer<Call>>;
  subscribe(listener: (event: AppEvent) => void): () => void;
  /** What only a desktop window can do; absent in a browser. */
  desktop?: Desktop;
}

export interface Desktop {
  /** Native dialogs; undefined or empty when the person closes them. */
  chooseFolders(): Promise<string[]>;
  chooseFile(kind: 'model' | 'labels' | 'backup' | 'truth' | 'imported'): Promise<string | undefined>;
  chooseSaveFile(suggestedName: string): Promise<string | undefined>;
  /** Paths of folders that were dropped on the window. */
  droppedFolders(files: File[]): string[];
  showInFolder(imageId: number): Promise<void>;
  /** Takes back, or does again, what was typed into the text field that has the focus. */
  changeText(command: 'undo' | 'redo'): Promise<void>;
  /** Hears of the commands of the native menu. */
  onMenu(listener: (command: MenuCommand) => void): () => void;
}

export const MENU_COMMANDS = ['addFolder', 'newRun', 'export', 'undo', 'redo', 'settings', 'keys'] as const;
export type MenuCommand = (typeof MENU_COMMANDS)[number];
