import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { init } from 'license-checker-rseidelsohn';
import type { ModuleInfos } from 'license-checker-rseidelsohn';
import { root } from '../setup.mjs';
import type { SharedLibrary } from './shared-libraries.ts';

/** What is compiled into a package that does not bring its licence. */
const notices: Partial<Record<string, string>> = { '@cornerstonejs/codec-openjpeg': 'openjpeg.txt' };

const RULE = `\n${'-'.repeat(80)}\n\n`;

/** Names of the packages that files in node_modules belong to. */
export function packagesOf(files: readonly string[]): string[] {
  const names = files.map((file) => /.*node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(file)?.[1]);
  return [
    ...new Set(names.filter((name) => name !== undefined).map((name) => name.replace('\\', '/'))),
  ].sort();
}

/** One text with the licences of all packages and libraries that are part of the app. */
export async function collectLicences(
  packages: readonly string[],
  libraries: readonly SharedLibrary[],
): Promise<string> {
  const found = await scan();
  const parts = packages.map((name) => {
    const [id, info] = Object.entries(found).find(([key]) => key.replace(/@[^@]*$/, '') === name) ?? [];
    if (id === undefined || info === undefined) throw new Error(`The licence of ${name} was not found`);
    const text = info.licenseFile === undefined ? '' : fs.readFileSync(info.licenseFile, 'utf8').trim();
    const notice = notices[name];
    const more =
      notice === undefined ? '' : fs.readFileSync(path.join(import.meta.dirname, 'notices', notice), 'utf8');
    return `${id}\n${String(info.licenses)}\n${info.repository ?? ''}\n\n${text}\n${more}`;
  });
  return [...parts, ...libraries.map(ofLibrary)].join(RULE);
}

function scan(): Promise<ModuleInfos> {
  return new Promise((resolve, reject) => {
    init({ start: root }, (error: Error | null, found) => {
      if (error) reject(error);
      else resolve(found);
    });
  });
}

/** What Debian says of a library's copyright. */
function ofLibrary({ name, file }: SharedLibrary): string {
  const { stdout } = spawnSync('dpkg-query', ['--search', `*/${path.basename(file)}`], { encoding: 'utf8' });
  const [debianPackage] = stdout.split(/[:,]/);
  const copyright = `/usr/share/doc/${debianPackage ?? ''}/copyright`;
  if (!fs.existsSync(copyright))
    throw new Error(`The licence of ${name} was not found: there is no ${copyright}`);
  return `${name}\n\n${fs.readFileSync(copyright, 'utf8').trim()}\n`;
}
