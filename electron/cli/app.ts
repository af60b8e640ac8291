import envPaths from 'env-paths';
import { join, resolve } from 'node:path';
import { AppService } from '../core/app-service.ts';
import { ModelRegistry } from '../core/packages/model-registry.ts';
import { Library } from '../core/store/library.ts';
import { EngineClient } from '../engine/engine-client.ts';

/** Models that come with Winnow. */
const bundledFolder = join(import.meta.dirname, '../../resources/models');

/** Where library and models of the user lie; WINNOW_DATA moves both. */
function dataFolder(): string {
  return process.env['WINNOW_DATA'] ?? envPaths('winnow', { suffix: '' }).data;
}

/** The app on the library at `libraryPath`, or on the user's own. Does not touch the disk before it must. */
export async function withApp<T>(
  libraryPath: string | undefined,
  work: (app: AppService) => Promise<T>,
): Promise<T> {
  const data = resolve(dataFolder());
  const path = libraryPath === undefined ? join(data, 'library.db') : resolve(libraryPath);
  const app = new AppService({
    openLibrary: () => Library.open(path),
    engine: new EngineClient(),
    registry: new ModelRegistry({ bundledFolder, userFolder: join(data, 'models') }),
    clock: Date.now,
  });
  try {
    return await work(app);
  } finally {
    await app.close();
  }
}
