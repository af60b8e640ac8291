import { join } from 'node:path';
import { createAppService } from '../core/app-service.ts';
import type { AppService } from '../core/app-service.ts';
import { keptText } from '../core/files/kept-text.ts';
import { ModelRegistry } from '../core/registry/model-registry.ts';
import { DeviceEngine } from '../engine/devices/device-engine.ts';
import { connectTrainer } from '../engine/hosts/trainer-client.ts';
import { SAMPLE_MODEL } from '../shared/api/settings.ts';
import type { AppPaths } from './app-paths.ts';
import { systemProxy } from './system-proxy.ts';
import { utilityHost } from './utility-host.ts';

/** The app on the person's library, with an engine host in a process of Electron's. */
export function setupService({ data, models, samples, engineHost, trainingHost }: AppPaths): AppService {
  return createAppService({
    libraryPath: join(data, 'library.db'),
    engine: new DeviceEngine({
      hostEntry: engineHost,
      startHost: utilityHost,
      trials: keptText(join(data, 'devices.json')),
      trial: { packagePath: join(models, `${SAMPLE_MODEL}.safetensors`), pictures: join(samples, 'parts') },
    }),
    trainer: connectTrainer({ hostEntry: trainingHost, startHost: utilityHost }),
    registry: new ModelRegistry({
      bundledFolder: models,
      userFolder: join(data, 'models'),
      hashes: join(data, 'package-hashes.json'),
    }),
    clock: Date.now,
    folders: { data, samples },
    downloads: { proxyFor: systemProxy() },
  });
}
