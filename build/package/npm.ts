/** The command line as an npm package for this system: the addon is built, so that installing needs no compiler. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import packageJson from '../../package.json' with { type: 'json' };
import { appFolder, loadedPackages, OLDEST_NODE } from '../desktop.ts';
import { root } from '../setup.mjs';
import { commandFolder } from './command/write-command.ts';
import { licenceFile, packageFolder } from './configuration.ts';
import { neededPackages } from './loaded-packages.ts';
import type { Target } from './loaded-packages.ts';

const npmFolder = path.join(root, 'out/npm');

/** What of out/app only a window needs, and what npm installs. */
const NOT_PACKED = ['electron/main', 'electron/preload', 'node_modules', 'package.json'];

const lockSchema = z.object({
  packages: z.record(z.string(), z.record(z.string(), z.unknown())),
});

/** Packs out/app, which must be staged; gives the package's path. */
export function packNpm(target: Target): string {
  fs.rmSync(npmFolder, { recursive: true, force: true });
  const isPacked = (file: string) =>
    !NOT_PACKED.includes(path.relative(appFolder, file).split(path.sep).join('/'));
  fs.cpSync(appFolder, npmFolder, { recursive: true, filter: isPacked });
  fs.cpSync(path.join(commandFolder, 'system'), path.join(npmFolder, 'system'), { recursive: true });
  for (const file of ['README.md', 'LICENSE'])
    fs.copyFileSync(path.join(root, file), path.join(npmFolder, file));
  fs.copyFileSync(licenceFile, path.join(npmFolder, 'LICENCES.txt'));
  const dependencies = Object.fromEntries(
    Object.entries(packageJson.dependencies).filter(([name]) => loadedPackages.includes(name)),
  );
  const manifest = {
    name: packageJson.name,
    version: packageJson.version,
    description: packageJson.description,
    license: packageJson.license,
    type: 'module',
    bin: { winnow: 'electron/cli/winnow.mjs' },
    man: './system/winnow.1.gz',
    files: ['electron', 'out', 'resources', 'system', 'LICENCES.txt', 'npm-shrinkwrap.json'],
    engines: { node: `>=${OLDEST_NODE}` },
    os: [target.platform],
    cpu: [target.arch],
    dependencies,
  };
  writeJson('package.json', manifest);
  writeJson('npm-shrinkwrap.json', shrinkwrap(manifest, target));
  fs.mkdirSync(packageFolder, { recursive: true });
  const { status, stdout, stderr } = spawnSync(
    'npm',
    ['pack', '--json', '--pack-destination', packageFolder],
    { cwd: npmFolder, encoding: 'utf8', shell: process.platform === 'win32' },
  );
  if (status !== 0) throw new Error(`npm pack failed:\n${stderr}`);
  const [packed] = z
    .array(z.object({ filename: z.string() }))
    .min(1)
    .parse(JSON.parse(stdout));
  return path.join(packageFolder, packed?.filename ?? '');
}

function writeJson(name: string, value: unknown): void {
  fs.writeFileSync(path.join(npmFolder, name), `${JSON.stringify(value, undefined, 2)}\n`);
}

/** Versions and checksums of all that is installed with it, from the lock file that it was tested with. */
function shrinkwrap(manifest: Record<string, unknown>, target: Target) {
  const text = fs.readFileSync(path.join(root, 'package-lock.json'), 'utf8');
  const { packages } = lockSchema.parse(JSON.parse(text));
  const needed = neededPackages(target).map((name) => `node_modules/${name}`);
  const entries = needed.map((place) => [place, packages[place] ?? {}] as const);
  const { name, version } = packageJson;
  return {
    name,
    version,
    lockfileVersion: 3,
    requires: true,
    packages: { '': manifest, ...Object.fromEntries(entries) },
  };
}
