import { contextBridge, ipcRenderer, webUtils } from 'electron';
import { CHANNELS } from '../shared/ipc.ts';
import type { WindowBridge } from '../shared/window-bridge.ts';

/** Hears a channel until the returned function is called. */
function hear(channel: string, listener: (message: never) => void): () => void {
  const heard = (_event: unknown, message: unknown) => listener(message as never);
  ipcRenderer.on(channel, heard);
  return () => void ipcRenderer.off(channel, heard);
}

const bridge: WindowBridge = {
  call: (name, request) => ipcRenderer.invoke(CHANNELS.call, name, request),
  subscribe: (listener) => hear(CHANNELS.event, listener),
  desktop: {
    chooseFolders: () => ipcRenderer.invoke(CHANNELS.chooseFolders),
    chooseFile: (kind) => ipcRenderer.invoke(CHANNELS.chooseFile, kind),
    chooseSaveFile: (suggestedName) => ipcRenderer.invoke(CHANNELS.chooseSaveFile, suggestedName),
    droppedFolders: (files) =>
      files.map((file) => webUtils.getPathForFile(file)).filter((path) => path !== ''),
    showInFolder: (imageId) => ipcRenderer.invoke(CHANNELS.showInFolder, imageId),
    changeText: (command) => ipcRenderer.invoke(CHANNELS.changeText, command),
    onMenu: (listener) => hear(CHANNELS.menu, listener),
  },
};

contextBridge.exposeInMainWorld('winnow', bridge);
