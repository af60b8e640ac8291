import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { installOwnPackages } from '../own-packages.ts';
import { root } from '../setup.mjs';

/** A change of the sources that a test should notice. */
export interface Mutant {
  id: string; // the number that switches it on
  file: string; // relative to the root, with slashes
  line: number; // from 1
  mutator: string; // Stryker's name for the kind of change
  original: string; // as text
  replacement: string;
}

/** What is used of Stryker's instrumenter, which is installed when it is asked for. */
interface Instrumenter {
  instrument(files: readonly SourceFile[], options: object): Promise<InstrumentResult>;
}

interface SourceFile {
  name: string; // absolute
  content: string;
  mutate: boolean;
}

interface Position {
  line: number; // from 0
  column: number;
}

interface InstrumentResult {
  files: readonly SourceFile[];
  mutants: readonly {
    id: string;
    fileName: string;
    mutatorName: string;
    replacement: string;
    location: { start: Position; end: Position };
    status?: string;
  }[];
}

export const mutationFolder = path.join(root, 'out/mutation');
/** A copy of what the tests run, with every mutant in it; one is switched on by the environment. */
export const sandbox = path.join(mutationFolder, 'sandbox');

/** Makes the sandbox; comes back with all mutants of the TypeScript files in `folder`. */
export async function makeSandbox(folder: string): Promise<Mutant[]> {
  fs.rmSync(sandbox, { recursive: true, force: true });
  for (const name of ['electron', 'test', 'build', 'package.json', 'tsconfig.json'])
    fs.cpSync(path.join(root, name), path.join(sandbox, name), {
      recursive: true,
      filter: (source) => path.basename(source) !== 'node_modules',
    });
  for (const name of ['node_modules', 'out', 'resources', 'renderer', 'native', 'docs'])
    fs.symlinkSync(path.join(root, name), path.join(sandbox, name));
  const sources = fs
    .globSync(`${folder}/**/*.ts`, { cwd: root })
    .sort()
    .map((file) => ({
      name: path.join(root, file),
      content: fs.readFileSync(path.join(root, file), 'utf8'),
      mutate: true,
    }));
  const { files, mutants } = await (
    await loadInstrumenter()
  ).instrument(sources, {
    plugins: null,
    excludedMutations: [],
    ignorers: [],
  });
  for (const { name, content } of files)
    fs.writeFileSync(path.join(sandbox, path.relative(root, name)), content);
  const texts = new Map(sources.map(({ name, content }) => [name, content.split('\n')]));
  return mutants.map(({ id, fileName, mutatorName, replacement, location }) => ({
    id,
    file: path.relative(root, fileName).split(path.sep).join('/'),
    line: location.start.line + 1,
    mutator: mutatorName,
    original: cut(texts.get(fileName) ?? [], location),
    replacement,
  }));
}

/** The text between two positions. */
function cut(lines: readonly string[], { start, end }: { start: Position; end: Position }): string {
  const part = lines.slice(start.line, end.line + 1);
  return part
    .map((line, index) =>
      line.slice(index === 0 ? start.column : 0, index === part.length - 1 ? end.column : undefined),
    )
    .join('\n');
}

async function loadInstrumenter(): Promise<Instrumenter> {
  const folder = path.join(root, 'build/mutation');
  const complaint = installOwnPackages(folder, "Installing Stryker's instrumenter");
  if (complaint !== undefined)
    throw new Error(`@stryker-mutator/instrumenter cannot be installed (${complaint})`);
  const entry = path.join(folder, 'node_modules/@stryker-mutator/instrumenter/dist/src/index.js');
  const { Instrumenter } = (await import(pathToFileURL(entry).href)) as {
    Instrumenter: new (logger: object) => Instrumenter;
  };
  const silent = () => undefined;
  return new Instrumenter({ debug: silent, info: silent, warn: console.warn, isDebugEnabled: () => false });
}
