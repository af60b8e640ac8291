import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

/** Libraries that every Linux with a desktop has; one of another build of them would do harm. */
const OF_THE_SYSTEM = /^(linux-vdso|ld-linux.*|lib(c|m|dl|rt|pthread|stdc\+\+|gcc_s))\.so/;

export interface SharedLibrary {
  name: string; // by which it is looked for
  file: string;
}

/**
 * The shared libraries that an addon loads, and those that they load, but for the system's own. On Linux these are
 * Debian's; on macOS and Windows the build has put them beside the addon.
 */
export function sharedLibraries(addon: string): SharedLibrary[] {
  if (process.platform !== 'linux') return besides(addon);
  const { stdout, status, error } = spawnSync('ldd', [addon], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ldd does not read ${addon}`, { cause: error });
  const lines = [...stdout.matchAll(/^\s*(\S+) => (.*?)(?: \(0x[0-9a-f]+\))?$/gm)];
  return lines
    .map(([, name = '', file = '']) => ({ name, file }))
    .filter(({ name }) => !OF_THE_SYSTEM.test(name))
    .map(({ name, file }) => {
      if (!file.startsWith('/')) throw new Error(`${addon} needs ${name}, which is not on this machine`);
      return { name, file: fs.realpathSync(file) };
    });
}

function besides(addon: string): SharedLibrary[] {
  const folder = path.dirname(addon);
  const names = fs.readdirSync(folder).filter((name) => /\.(dylib|dll)$/.test(name));
  return names.map((name) => ({ name, file: path.join(folder, name) }));
}
