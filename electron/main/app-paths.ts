import { join } from 'node:path';
import { app } from 'electron';
import { dataFolder } from '../core/files/data-folder.ts';
import { unpackedOf } from './installed-files.ts';

/** Where things lie: the app's own files as in the repository, and the person's. */
export interface AppPaths {
  data: string;
  window: string; // what the window was built into
  preload: string;
  engineHost: string;
  trainingHost: string;
  models: string; // that come with Winnow
  samples: string;
  crashes: string;
}

/** The same tree in the repository's out/app and in a package, where part of it lies beside the archive. */
export function pathsOf(root: string): AppPaths {
  const unpacked = unpackedOf(root);
  const data = dataFolder();
  return {
    data,
    window: join(root, 'out/renderer'),
    preload: join(root, 'electron/preload/preload.cjs'),
    engineHost: join(unpacked, 'electron/engine/engine-host.mjs'),
    trainingHost: join(unpacked, 'electron/engine/training-host.mjs'),
    models: join(unpacked, 'resources/models'),
    samples: join(unpacked, 'resources/samples'),
    crashes: join(data, 'crashes'),
  };
}

/** Keeps what Chromium writes with the rest of the person's data. */
export function setupPaths(root: string): AppPaths {
  const paths = pathsOf(root);
  app.setPath('userData', join(paths.data, 'window'));
  app.setPath('crashDumps', paths.crashes);
  return paths;
}
