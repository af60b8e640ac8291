import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { loadedPackages } from '../desktop.ts';
import { root } from '../setup.mjs';

/** A system that a package is made for, in Node's words. */
export interface Target {
  platform: string;
  arch: string;
}

const manifestSchema = z.object({
  dependencies: z.record(z.string(), z.string()).default({}),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
});

/** Only needed for building a package from its sources. */
const FOR_BUILDING = new Set(['node-addon-api']);

/** Files of a package that nothing loads: sources, types, descriptions, what an installation has built beside them. */
const NOT_LOADED =
  /(^|\/)(src|deps|install|include|build)\/|\.(d\.[cm]?ts|md|map|gyp|cc|h)$|(^|\/)versions\.json$/;

/** Fields of a package.json for people and for building. */
const DESCRIPTIONS = new Set(
  (
    'author authors ava babel bugs build bundleDependencies contributors devDependencies dist eslintConfig files funding ' +
    'gitHead homepage jspm keywords nyc repository scripts tags xo'
  ).split(' '),
);

/** Other forms of what is loaded, by package and file. */
const OTHER_FORMS =
  /^libheif-js\/((index|wasm)\.js|libheif\/|libheif-wasm\/libheif(-bundle\.mjs|\.js|\.wasm)$)|^libraw-wasm\/dist\/worker|^@cornerstonejs\/codec-openjpeg\/dist\/(openjpegjs|openjpegwasm\.)|^jxl-oxide-wasm\/.*\.d\.ts/;

/** Files of a package that another system loads. */
const NATIVE = /(^|\/)(prebuilds\/|lib\/)?(linux|linuxmusl|darwin|win32)-(x64|arm64)\.(node|js)$/;

/** The packages that the app loads from node_modules on a system, with all that they load themselves. */
export function neededPackages({ platform, arch }: Target): string[] {
  const needed = new Set<string>();
  const add = (name: string) => {
    if (needed.has(name)) return;
    needed.add(name);
    const text = fs.readFileSync(path.join(folderOf(name), 'package.json'), 'utf8');
    const { dependencies, optionalDependencies } = manifestSchema.parse(JSON.parse(text));
    const ofTheSystem = Object.keys(optionalDependencies).filter((other) =>
      other.endsWith(`-${platform}-${arch}`),
    );
    for (const other of [...Object.keys(dependencies), ...ofTheSystem]) {
      if (!FOR_BUILDING.has(other)) add(other);
    }
  };
  for (const name of loadedPackages) add(name);
  return [...needed].sort();
}

/** Puts what is loaded of these packages into a folder's node_modules. */
export function copyPackages(names: readonly string[], { platform, arch }: Target, folder: string): void {
  for (const name of names) {
    const from = folderOf(name);
    for (const entry of fs.readdirSync(from, { recursive: true, withFileTypes: true })) {
      const file = path.join(entry.parentPath, entry.name);
      const place = path.relative(from, file).split(path.sep).join('/');
      const isForeign = NATIVE.test(place) && !place.includes(`${platform}-${arch}.`);
      const isLoaded = !NOT_LOADED.test(place) && !OTHER_FORMS.test(`${name}/${place}`) && !isForeign;
      if (!entry.isFile() || !isLoaded || /(^|\/)licen[cs]e/i.test(place)) continue;
      const target = path.join(folder, 'node_modules', name, place);
      fs.mkdirSync(path.dirname(target), { recursive: true });
      if (entry.name === 'package.json') fs.writeFileSync(target, loadedManifest(file));
      else fs.copyFileSync(file, target);
    }
  }
}

/** A package.json without what nothing loads; the packager would leave some of it out, after hashes were taken. */
function loadedManifest(file: string): string {
  const manifest = z.record(z.string(), z.unknown()).parse(JSON.parse(fs.readFileSync(file, 'utf8')));
  const kept = Object.entries(manifest).filter(
    ([field]) => !field.startsWith('_') && !DESCRIPTIONS.has(field),
  );
  return `${JSON.stringify(Object.fromEntries(kept), undefined, 2)}\n`;
}

function folderOf(name: string): string {
  const folder = path.join(root, 'node_modules', name);
  if (fs.existsSync(folder)) return folder;
  throw new Error(
    `${name} is not installed: a package for another system needs its libraries, which come with ` +
      '`npm install --os <system> --cpu <processor>`.',
  );
}
