/** The files by which an installed Winnow is a command: launchers, completions and the manual page. */
import fs from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import packageJson from '../../../package.json' with { type: 'json' };
import { root } from '../../setup.mjs';
import { completions } from './completions.ts';
import { describeCommandLine } from './describe.ts';
import { manual } from './manual.ts';

export const commandFolder = path.join(root, 'out/command');

/** The window's executable on Linux; `winnow` is the command. */
export const WINDOW_EXECUTABLE = 'winnow-window';

/** The command line as the packed app has it, beside the archive so that whoever starts it need not know archives. */
const PROGRAM = 'app.asar.unpacked/electron/cli/winnow.mjs';

/** For Linux and macOS, at `bin/winnow` of the app. Links to it are followed. */
const launcher = `#!/bin/sh
# Winnow's command line: the installed program itself, which with this variable is Node and opens no window.
bin=$(dirname -- "$(readlink -f -- "$0")")
for app in "$bin/../${WINDOW_EXECUTABLE}:$bin/../resources" "$bin/../MacOS/Winnow:$bin/../Resources"; do
  if [ -x "\${app%%:*}" ]; then
    ELECTRON_RUN_AS_NODE=1 exec "\${app%%:*}" "\${app#*:}/${PROGRAM}" "$@"
  fi
done
echo "winnow: the installed program is not beside $bin. Install Winnow again." >&2
exit 1
`;

/** For Windows, whose window program has no console of its own. */
const windowsLauncher = [
  '@echo off',
  "rem Winnow's command line: the installed program itself, which with this variable is Node and opens no window.",
  'setlocal',
  'set ELECTRON_RUN_AS_NODE=1',
  `"%~dp0..\\Winnow.exe" "%~dp0..\\resources\\${PROGRAM.replaceAll('/', '\\')}" %*`,
  'exit /b %errorlevel%',
  '',
].join('\r\n');

/** On the path, where the package of a Linux system puts it. */
const debLauncher = `#!/bin/sh
exec /opt/Winnow/bin/winnow "$@"
`;

/** Files of Linux packages by where the system looks for them, relative to `commandFolder`. */
export const systemFiles = {
  'system/winnow': '/usr/bin/winnow',
  'system/winnow.bash': '/usr/share/bash-completion/completions/winnow',
  'system/winnow.zsh': '/usr/share/zsh/vendor-completions/_winnow',
  'system/winnow.fish': '/usr/share/fish/vendor_completions.d/winnow.fish',
  'system/winnow.1.gz': '/usr/share/man/man1/winnow.1.gz',
} as const;

/** Writes all of them into `commandFolder`. */
export function writeCommand(): void {
  const described = describeCommandLine();
  const write = (name: string, content: string | Buffer, mode = 0o644) => {
    const file = path.join(commandFolder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content, { mode });
  };
  fs.rmSync(commandFolder, { recursive: true, force: true });
  write('bin/winnow', launcher, 0o755);
  write('bin/winnow.cmd', windowsLauncher);
  write('system/winnow', debLauncher, 0o755);
  for (const [shell, make] of Object.entries(completions)) write(`system/winnow.${shell}`, make(described));
  write('system/winnow.1.gz', gzipSync(manual(described, packageJson.version)));
}
