import { join, resolve } from 'node:path';
import { createAppService } from '../core/app-service.ts';
import type { AppService } from '../core/app-service.ts';
import { keptText } from '../core/files/kept-text.ts';
import { dataFolder } from '../core/files/data-folder.ts';
import { ModelRegistry } from '../core/registry/model-registry.ts';
import { DeviceEngine } from '../engine/devices/device-engine.ts';
import { connectTrainer } from '../engine/hosts/trainer-client.ts';
import { SAMPLE_MODEL } from '../shared/api/settings.ts';
import { oneLine } from './format.ts';
import { tell } from './terminal.ts';

/** Models that come with Winnow. */
const bundledFolder = join(import.meta.dirname, '../../resources/models');
const samplesFolder = join(import.meta.dirname, '../../resources/samples');

/** The app on the library at `libraryPath`, or on the user's own. Does not touch the disk before it must. */
export async function withApp<T>(
  libraryPath: string | undefined,
  work: (app: AppService) => Promise<T>,
): Promise<T> {
  const data = dataFolder();
  const path = libraryPath === undefined ? join(data, 'library.db') : resolve(libraryPath);
  const app = createAppService({
    libraryPath: path,
    onReadOnly: (shown) =>
      tell(`The library ${oneLine(shown)} may only be read; nothing is changed in it.\n`),
    engine: new DeviceEngine({
      trials: keptText(join(data, 'devices.json')),
      trial: {
        packagePath: join(bundledFolder, `${SAMPLE_MODEL}.safetensors`),
        pictures: join(samplesFolder, 'parts'),
      },
    }),
    trainer: connectTrainer(),
    registry: new ModelRegistry({
      bundledFolder,
      userFolder: join(data, 'models'),
      hashes: join(data, 'package-hashes.json'),
    }),
    clock: Date.now,
    folders: { data, samples: samplesFolder },
  });
  app.subscribe((event) => {
    if (event.type === 'updatingLibrary' && !event.isDone)
      tell(
        'The library is being brought up to date for this Winnow, which takes a minute per million images.\n',
      );
  });
  try {
    return await work(app);
  } finally {
    await app.close();
  }
}
