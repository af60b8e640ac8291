/**
 * What a terminal would take for a command, or read in another order: control characters of both sets (C0 and C1), and the
 * marks that turn the direction of writing.
 */
const COMMANDS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** A text for people to read in a terminal: only its own lines and tabs are more than letters. */
export function terminalText(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(COMMANDS, escaped);
}

/** A path or name on one line whatever it contains. */
export function oneLine(text: string): string {
  return text.replace(/[\t\n]/g, escaped).replace(COMMANDS, escaped);
}

/** As JSON writes it: `\n`, `\u001b`. */
function escaped(character: string): string {
  const code = character.charCodeAt(0).toString(16).padStart(4, '0');
  return character < ' ' ? JSON.stringify(character).slice(1, -1) : `\\u${code}`;
}
