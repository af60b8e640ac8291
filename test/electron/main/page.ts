import { BrowserWindow, handlers } from '../support/electron-double.ts';

/** The window that was opened last. */
export function opened(): BrowserWindow {
  const window = BrowserWindow.opened.at(-1);
  if (window === undefined) throw new Error('No window was opened');
  return window;
}

/** Asks the main process as the window's page does, or as `event` says. */
export async function ask(channel: string, values: unknown[], event: object = {}): Promise<unknown> {
  const { webContents } = opened();
  const answer = handlers.get(channel);
  if (answer === undefined) throw new Error(`Nothing answers ${channel}`);
  return await answer({ sender: webContents, senderFrame: webContents.mainFrame, ...event }, ...values);
}
