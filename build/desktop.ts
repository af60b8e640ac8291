/**
 * Builds out/app, the folder that Electron runs: main process, preload script, engine host and training host, each one file,
 * and what they load, laid out as in the repository.
 */
import fs from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import type { BuildOptions, Metafile, Plugin } from 'esbuild';
import packageJson from '../package.json' with { type: 'json' };
import { GPU_BACKENDS } from '../electron/shared/run.ts';
import { root } from './setup.mjs';

export const appFolder = path.join(root, 'out/app');

/** Packages with native code or WebAssembly, which a bundle cannot hold. */
export const loadedPackages = [
  'better-sqlite3',
  'sharp',
  '@cornerstonejs/codec-openjpeg',
  'jxl-oxide-wasm',
  'libheif-js',
  'libraw-wasm',
];

/** What the processes read at run time besides their own code: places in the repository and in the app alike. */
const readFiles = [
  'electron/core/store/migrations',
  'resources/labels',
  'resources/models',
  'resources/samples',
  'out/native/winnow.node',
  ...fs.globSync(`out/native/libwinnow-{${Object.keys(GPU_BACKENDS).join(',')}}.{so,dylib}`, { cwd: root }),
  'out/renderer',
];

/** Packages written for `require` find one in a bundle of modules. */
const requireBanner =
  "import { createRequire as createRequireOf } from 'node:module';\n" +
  'const require = createRequireOf(import.meta.url);';

/** The oldest Node that the programs run on: undici asks for it. */
export const OLDEST_NODE = '22.19';

const common = {
  absWorkingDir: root,
  bundle: true,
  metafile: true,
  platform: 'node',
  target: `node${OLDEST_NODE}`,
  outbase: root,
  external: ['electron', ...loadedPackages],
  legalComments: 'none',
  logLevel: 'warning',
} as const satisfies BuildOptions;

/** Bundles the programs that Node runs into `folder`, each as one file at its own place; gives what they are made of. */
export async function bundlePrograms(folder: string): Promise<Metafile> {
  const { metafile } = await build({
    ...common,
    outdir: folder,
    entryPoints: [
      'electron/main/main.ts',
      'electron/cli/winnow.ts',
      'electron/engine/engine-host.ts',
      'electron/engine/training-host.ts',
      'electron/engine/decoder-worker.ts',
      'electron/core/library-reader.ts',
      'electron/core/download/http.ts',
    ],
    // The hosts lie outside the archive, and so without its package.json: the names say what they are.
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    banner: { js: requireBanner },
    plugins: [ownFiles],
  });
  return metafile;
}

/** Builds everything anew; gives what the bundles are made of. */
export async function buildDesktop(): Promise<Metafile[]> {
  fs.rmSync(appFolder, { recursive: true, force: true });
  const programs = await bundlePrograms(appFolder);
  // A sandboxed script can be one CommonJS file only.
  const preload = await build({
    ...common,
    outdir: appFolder,
    entryPoints: ['electron/preload/preload.ts'],
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
  });
  for (const place of readFiles) {
    fs.cpSync(path.join(root, place), path.join(appFolder, place), { recursive: true });
  }
  const { name, version, description, license } = packageJson;
  const manifest = {
    name,
    productName: 'Winnow',
    version,
    description,
    license,
    author: 'The Winnow authors',
    main: 'electron/main/main.mjs',
  };
  fs.writeFileSync(path.join(appFolder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  return [programs, preload.metafile];
}

/** A file that looks for others beside itself finds them as if it lay at its own place in the app. */
const ownFiles: Plugin = {
  name: 'own-paths',
  setup: (building) => {
    building.onLoad({ filter: /[\\/]electron[\\/].*\.ts$/ }, async ({ path: file }) => {
      const text = await fs.promises.readFile(file, 'utf8');
      if (!text.includes('import.meta.')) return undefined;
      const place = path.relative(root, file).split(path.sep).join('/'); // bundles lie two folders deep
      const url = `new URL(${JSON.stringify(`../../${place}`)}, import.meta.url)`;
      const contents = text
        .replaceAll(/import\.meta\.(url|dirname)\b/g, (_match, kind: string) =>
          kind === 'url' ? `${url}.href` : `ownPath(new URL('.', ${url}))`,
        )
        .replaceAll(/(, '[\w-]+)\.ts'\)/g, "$1.mjs')") // a module that is started, not imported
        .concat("\nimport { fileURLToPath as ownPath } from 'node:url';\n");
      return { contents, loader: 'ts' };
    });
  },
};
