const DEVICES = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)$/i;

/** Labels that are no names of files on Windows as they are, each in a way of its own. */
export const NASTY_LABELS = [
  'CON',
  'prn',
  'Aux',
  'nul',
  'COM1',
  'com0',
  'LPT9',
  'COM¹',
  'lpt³',
  'CONIN$',
  'conout$',
  'nul.txt',
  'CON .x',
  'aux.tar.gz',
  'COM1 ',
  ' LPT1',
  'dot.',
  'dots...',
  'blank ',
  'both . .',
  '.',
  '..',
  ' ',
  '',
  'a<b',
  'a>b',
  'C:\\b',
  'a:b',
  'a"b',
  'a/b',
  'a\\b',
  'a|b',
  'a?',
  '*',
  '\\\\server\\share',
  'line\nbreak',
  'return\r\n',
  'tab\t',
  'nul\0l',
  'delete\u007f',
  'x'.repeat(300),
  `${'x'.repeat(119)}🌾`,
  `${'x'.repeat(118)}. z`,
  'half \ud83c',
];

/** Why Windows refuses a name of a file or folder; undefined when it takes it. */
export function refusalOnWindows(name: string): string | undefined {
  if (name === '' || name.length > 255) return 'its length';
  if (/[<>:"/\\|?*\u0000-\u001f]/.test(name)) return 'a character';
  if (/[. ]$/.test(name)) return 'its end';
  if (!name.isWellFormed()) return 'half a character';
  const stem = name.replace(/\..*$/s, '').trimEnd();
  return DEVICES.test(stem) ? 'a device' : undefined;
}
