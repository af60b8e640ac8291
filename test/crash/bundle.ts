import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type { Plugin } from 'esbuild';

const root = join(import.meta.dirname, '../..');

/** The command line, and what it starts. */
export const PROGRAMS = [
  'electron/cli/winnow.ts',
  'electron/core/library-reader.ts',
  'electron/engine/engine-host.ts',
  'electron/engine/training-host.ts',
  'electron/engine/decoder-worker.ts',
];

/** Packages with native code or WebAssembly, which a bundle cannot hold; they are loaded from where they are. */
const LOADED = ['better-sqlite3', 'libheif-js', 'libraw-wasm', 'sharp'];

const REQUIRE = `import { createRequire as createRequireOf } from 'node:module';
const require = createRequireOf(${JSON.stringify(join(root, 'package.json'))});`;

/**
 * Programs of the repository as files of their own in `folder`, which start in a fraction of the time. Gives their paths.
 */
export async function bundle(folder: string, sources: readonly string[]): Promise<string[]> {
  const outputOf = (source: string) => join(folder, source.replace(/\.ts$/, '.mjs'));
  await build({
    absWorkingDir: root,
    entryPoints: [...sources],
    outdir: folder,
    outbase: root,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    legalComments: 'none',
    logLevel: 'error',
    banner: { js: REQUIRE },
    plugins: [loadedPackages, nodeModules, ownFiles(sources, outputOf)],
  });
  return sources.map(outputOf);
}

const loadedPackages: Plugin = {
  name: 'loaded-packages',
  setup: (building) => {
    building.onResolve({ filter: new RegExp(`^(${LOADED.join('|')})$`) }, ({ path }) => ({
      path: import.meta.resolve(path),
      external: true,
    }));
  },
};

/**
 * Modules of Node as they are required: an import reads all that a module exports, of `node:http` a whole HTTP client as well,
 * which takes a fifth of a program's start.
 */
const nodeModules: Plugin = {
  name: 'node-modules',
  setup: (building) => {
    building.onResolve({ filter: /^node:/, namespace: 'file' }, ({ path }) => ({ path, namespace: 'node' }));
    building.onLoad({ filter: /./, namespace: 'node' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};

/** A file that looks for others beside itself finds them where they are; a program that is bundled too, its bundle. */
function ownFiles(sources: readonly string[], outputOf: (source: string) => string): Plugin {
  return {
    name: 'own-paths',
    setup: (building) => {
      building.onLoad({ filter: /[\\/]electron[\\/].*\.ts$/ }, async ({ path }) => {
        const contents = (await readFile(path, 'utf8'))
          .replaceAll(
            /join\(import\.meta\.dirname, (?:'(\.\.)', )?'([\w-]+\.ts)'\)/g,
            (found, up: string | undefined, name: string) => {
              const source = sources.find((one) => join(root, one) === join(dirname(path), up ?? '.', name));
              return source === undefined ? found : JSON.stringify(outputOf(source));
            },
          )
          .replaceAll('import.meta.dirname', JSON.stringify(dirname(path)))
          .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href));
        return { contents, loader: 'ts' };
      });
    },
  };
}
