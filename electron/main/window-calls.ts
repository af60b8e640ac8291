import { dialog, ipcMain, shell } from 'electron';
import type { IpcMainInvokeEvent, OpenDialogOptions, SaveDialogOptions } from 'electron';
import { z } from 'zod';
import type { AppService } from '../core/app-service.ts';
import { answerCall } from '../serve/answer-call.ts';
import { imageId } from '../shared/api/arguments.ts';
import { CHANNELS } from '../shared/ipc.ts';
import type { MainWindow } from './main-window.ts';
import type { Texts } from './texts.ts';

/** Answers the page's calls of AppApi, once `checked` says that the installation is whole, and tells it the app's events. */
export function setupCalls(service: AppService, window: MainWindow, checked: Promise<void>): void {
  handle(window, CHANNELS.call, async ([name, request]) => {
    await checked;
    return answerCall(service, name, request);
  });
  service.subscribe((event) => window.send(CHANNELS.event, event));
}

/** Answers what only a desktop window can do; `checked`: see setupCalls. */
export function setupDesktop(
  { pictures }: AppService,
  window: MainWindow,
  { texts, checked }: { texts: Texts; checked: Promise<void> },
): void {
  const filters = {
    model: [{ name: texts.models, extensions: ['pth', 'pt', 'safetensors'] }],
    labels: [{ name: texts.labelLists, extensions: ['txt', 'tsv'] }],
    backup: [{ name: texts.backups, extensions: ['db'] }],
    truth: [{ name: texts.truths, extensions: ['json'] }],
    imported: [
      { name: texts.imported, extensions: ['json', 'csv', 'tsv', 'txt', 'xml', 'yaml', 'yml', 'zip'] },
    ],
  };
  handle(window, CHANNELS.chooseFolders, () =>
    chooseToOpen(window, { properties: ['openDirectory', 'multiSelections'] }),
  );
  handle(window, CHANNELS.chooseFile, async ([kind]) => {
    const wanted = z.enum(['model', 'labels', 'backup', 'truth', 'imported']).parse(kind);
    const [path] = await chooseToOpen(window, { properties: ['openFile'], filters: filters[wanted] });
    return path;
  });
  handle(window, CHANNELS.chooseSaveFile, ([suggestedName]) => {
    const defaultPath = z.string().max(1000).parse(suggestedName);
    return chooseToSave(window, {
      defaultPath,
      properties: ['createDirectory', 'showOverwriteConfirmation'],
    });
  });
  handle(window, CHANNELS.showInFolder, async ([id]) => {
    await checked;
    shell.showItemInFolder(await pictures.path(imageId.parse(id)));
  });
  handle(window, CHANNELS.changeText, ([command]) => {
    window.browserWindow?.webContents[z.enum(['undo', 'redo']).parse(command)]();
  });
}

/** Answers a channel to the window's own page; whoever else asks is refused. */
function handle(window: MainWindow, channel: string, answer: (values: unknown[]) => unknown): void {
  ipcMain.handle(channel, (event: IpcMainInvokeEvent, ...values: unknown[]) => {
    if (!window.isSender(event)) throw new Error(`${channel} is answered to Winnow's own page only`);
    return answer(values);
  });
}

async function chooseToOpen({ browserWindow }: MainWindow, options: OpenDialogOptions): Promise<string[]> {
  if (browserWindow === undefined) return [];
  return (await dialog.showOpenDialog(browserWindow, options)).filePaths;
}

async function chooseToSave(
  { browserWindow }: MainWindow,
  options: SaveDialogOptions,
): Promise<string | undefined> {
  if (browserWindow === undefined) return undefined;
  const { canceled, filePath } = await dialog.showSaveDialog(browserWindow, options);
  return canceled ? undefined : filePath;
}
