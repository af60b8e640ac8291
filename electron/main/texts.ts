const en = {
  file: 'File',
  addFolder: 'Add Folder…',
  newRun: 'New Run',
  export: 'Export…',
  settings: 'Settings',
  installCommand: 'Install the Command “winnow”…',
  commandInstalled: (place: string) =>
    `The command winnow is installed: ${place}. Type winnow --help in a terminal.`,
  edit: 'Edit',
  undo: 'Undo',
  redo: 'Redo',
  view: 'View',
  help: 'Help',
  keys: 'Keyboard Shortcuts',
  models: 'Models and checkpoints',
  labelLists: 'Lists of labels',
  backups: 'Backups of a library',
  truths: 'Annotations in COCO JSON',
  imported: 'Labels of other tools',
  done: 'Winnow has finished',
  failed: 'Winnow has stopped',
  labelled: (images: string, failed: number) =>
    failed === 0
      ? `${images} images are labelled.`
      : `${images} images are labelled; ${failed} could not be read.`,
  altered: (files: readonly string[]) =>
    `Files of this installation are not as they were made: ${some(files)}. Install Winnow again; the library stays as it is.`,
};

/** The first few of many names, for a dialog. */
function some(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(', ')}, … (${names.length})` : names.join(', ');
}

/** What the system shows for Winnow: menus, dialogs, notifications. */
export type Texts = typeof en;

const de: Texts = {
  file: 'Datei',
  addFolder: 'Ordner hinzufügen …',
  newRun: 'Neuer Lauf',
  export: 'Exportieren …',
  settings: 'Einstellungen',
  installCommand: 'Befehl „winnow“ installieren …',
  commandInstalled: (place) =>
    `Der Befehl winnow ist installiert: ${place}. In einem Terminal hilft winnow --help weiter.`,
  edit: 'Bearbeiten',
  undo: 'Rückgängig',
  redo: 'Wiederholen',
  view: 'Ansicht',
  help: 'Hilfe',
  keys: 'Tastenkürzel',
  models: 'Modelle und Checkpoints',
  labelLists: 'Listen von Klassennamen',
  backups: 'Sicherungen einer Bibliothek',
  truths: 'Annotationen als COCO-JSON',
  imported: 'Labels anderer Programme',
  done: 'Winnow ist fertig',
  failed: 'Winnow hat angehalten',
  labelled: (images, failed) =>
    failed === 0
      ? `${images} Bilder haben eine Klasse.`
      : `${images} Bilder haben eine Klasse; ${failed} waren nicht lesbar.`,
  altered: (files) =>
    `Dateien dieser Installation sind nicht, wie sie gemacht wurden: ${some(files)}. Installieren Sie Winnow neu; die Bibliothek bleibt, wie sie ist.`,
};

export interface Language {
  locale: 'en' | 'de';
  texts: Texts;
}

/** The language that is set, or the system's where that is German, or English. */
export function chooseLanguage(setting: 'system' | 'en' | 'de', systemLocale: string): Language {
  const locale = setting === 'system' ? (systemLocale.startsWith('de') ? 'de' : 'en') : setting;
  return { locale, texts: { en, de }[locale] };
}
