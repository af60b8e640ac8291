/** What some file system refuses in a name. */
const REFUSED = /[<>:"/\\|?*\u0000-\u001f\u007f]/g;
const MAX_NAME = 120; // UTF-16 units; every file system takes that many, whatever the script

/** What Windows takes for a device, whatever follows behind the first dot, and blanks before it. */
const DEVICE_NAME = /^(con|prn|aux|nul|(com|lpt)[\d¹²³]|conin\$|conout\$) *(\.|$)/i;

/** Whether a file of this name would be a device on Windows. */
export function isDeviceName(name: string): boolean {
  return DEVICE_NAME.test(name);
}

/** A label as the name of a folder on every file system. */
export function folderNameOf(label: string): string {
  const name = label
    .toWellFormed()
    .replace(REFUSED, '_')
    .slice(0, MAX_NAME)
    .replace(/[\ud800-\udbff]$/, '') // half of a character that was cut
    .trim()
    .replace(/[. ]+$/, '');
  if (name === '') return '_';
  return isDeviceName(name) ? name.replace(/^[^.]*/, (stem) => `${stem.trimEnd()}_`) : name;
}
