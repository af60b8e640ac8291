import { execFile } from 'node:child_process';
import { lstat, readlink, symlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { dialog } from 'electron';
import { codeOf } from '../shared/errors.ts';
import type { Texts } from './texts.ts';

const PLACE = '/usr/local/bin/winnow'; // on the path of every user of macOS

/** On macOS: puts the command `winnow` on the path, and says what came of it. `contents`: the app's own folder. */
export async function installCommand(contents: string, texts: Texts, place = PLACE): Promise<void> {
  try {
    await link(join(contents, 'bin/winnow'), place);
    await dialog.showMessageBox({ type: 'info', message: texts.commandInstalled(place) });
  } catch (error) {
    dialog.showErrorBox(texts.installCommand, error instanceof Error ? error.message : String(error));
  }
}

/** Makes the link, or replaces one; asks for an administrator where the folder is not ours. Rejects for any other file. */
async function link(launcher: string, place: string): Promise<void> {
  const present = await lstat(place).catch(() => undefined);
  if (present !== undefined && !present.isSymbolicLink())
    throw new Error(`${place} is there and is no link: it stays as it is. Rename it and try again.`);
  if (present !== undefined && (await readlink(place)) === launcher) return;
  try {
    if (present !== undefined) await unlink(place);
    await symlink(launcher, place);
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'EACCES' && code !== 'EPERM' && code !== 'ENOENT') throw error;
    await linkAsAdministrator(launcher, place);
  }
}

/** Paths go as arguments of the script, where no character of theirs means anything. */
async function linkAsAdministrator(launcher: string, place: string): Promise<void> {
  const script = [
    'on run argv',
    'set launcher to quoted form of item 1 of argv',
    'set place to quoted form of item 2 of argv',
    'set folder to quoted form of item 3 of argv',
    'do shell script "mkdir -p " & folder & " && ln -sfn " & launcher & " " & place with administrator privileges',
    'end run',
  ];
  const lines = script.flatMap((line) => ['-e', line]);
  await promisify(execFile)('osascript', [...lines, launcher, place, join(place, '..')]);
}
