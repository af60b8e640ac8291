/**
 * npm run package [-- --dir | --npm] [--electron-dist FOLDER]: packages Winnow for this system into out/packages. --dir
 * leaves out the installers; --npm makes the command line's npm package and nothing else; --electron-dist takes an Electron
 * that is at hand instead of fetching one.
 */
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'electron-builder';
import { build as buildWindow } from 'vite';
import electronPackage from 'electron/package.json' with { type: 'json' };
import { appFolder, buildDesktop } from '../desktop.ts';
import { writeCommand } from './command/write-command.ts';
import { configuration, iconFolder, licenceFile } from './configuration.ts';
import { drawIcons } from './icons.ts';
import { writeInstalledFiles } from './installed-files.ts';
import { collectLicences, packagesOf } from './licences.ts';
import { copyPackages, neededPackages } from './loaded-packages.ts';
import { packNpm } from './npm.ts';
import { sharedLibraries } from './shared-libraries.ts';
import { root } from '../setup.mjs';

const target = { platform: process.platform, arch: process.arch };

/** Puts into out/app all that a package holds, and the licences beside it. */
async function stage(): Promise<void> {
  const bundles = await buildDesktop();
  const loaded = neededPackages(target);
  copyPackages(loaded, target, appFolder);
  const addon = path.join(appFolder, 'out/native/winnow.node');
  const libraries = sharedLibraries(addon);
  for (const { name, file } of libraries) fs.copyFileSync(file, path.join(path.dirname(addon), name));
  writeInstalledFiles(appFolder);
  writeCommand();
  const bundled = packagesOf([
    ...bundles.flatMap(({ inputs }) => Object.keys(inputs)),
    ...(await windowModules()),
  ]);
  const packages = [...new Set([...bundled, ...loaded])].sort();
  fs.writeFileSync(licenceFile, await collectLicences(packages, libraries));
}

/** The files that the window is built of. */
async function windowModules(): Promise<string[]> {
  const configFile = path.join(root, 'build/vite.config.ts');
  const built = await buildWindow({ configFile, logLevel: 'warn', build: { write: false } });
  if (!('output' in built)) throw new Error('The window is built once, and into one output');
  return built.output.flatMap((part) => (part.type === 'chunk' ? Object.keys(part.modules) : []));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { dir: { type: 'boolean' }, npm: { type: 'boolean' }, 'electron-dist': { type: 'string' } },
  });
  await stage();
  if (values.npm === true) {
    console.log(path.relative(root, packNpm(target)));
    return;
  }
  await drawIcons(iconFolder);
  const files = await build({
    projectDir: root,
    config: configuration(electronPackage.version, values['electron-dist']),
    dir: values.dir ?? false,
  });
  for (const file of files) console.log(path.relative(root, file));
}

await main();
