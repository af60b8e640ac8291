/** Channels between the preload script and Electron's main process. */
export const CHANNELS = {
  call: 'winnow:call',
  event: 'winnow:event',
  menu: 'winnow:menu',
  chooseFolders: 'winnow:chooseFolders',
  chooseFile: 'winnow:chooseFile',
  chooseSaveFile: 'winnow:chooseSaveFile',
  showInFolder: 'winnow:showInFolder',
  changeText: 'winnow:changeText',
} as const;
