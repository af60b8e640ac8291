import path from 'node:path';
import { createAppService } from '../../electron/core/app-service.ts';
import type { AppService } from '../../electron/core/app-service.ts';
import { ModelRegistry } from '../../electron/core/registry/model-registry.ts';
import { connectTrainer } from '../../electron/engine/hosts/trainer-client.ts';
import { EngineDouble } from '../../test/electron/support/engine-double.ts';
import { root } from '../setup.mjs';

/** The app on a library, where nothing is predicted. `data`: its data folder. */
export function libraryApp(libraryPath: string, data: string): AppService {
  return createAppService({
    libraryPath,
    engine: new EngineDouble(),
    trainer: connectTrainer(),
    registry: new ModelRegistry({ bundledFolder: path.join(root, 'resources/models'), userFolder: data }),
    clock: Date.now,
    folders: { data, samples: path.join(root, 'resources/samples') },
  });
}
