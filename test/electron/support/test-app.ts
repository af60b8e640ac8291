import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { createAppService } from '../../../electron/core/app-service.ts';
import type { AppService } from '../../../electron/core/app-service.ts';
import type { DownloadOptions } from '../../../electron/core/services/download-service.ts';
import { ModelRegistry } from '../../../electron/core/registry/model-registry.ts';
import type { AppEvent } from '../../../electron/shared/app-api.ts';
import type { Clock } from '../../../electron/shared/clock.ts';
import type { TrainerApi } from '../../../electron/shared/trainer-api.ts';
import { connectTrainer } from '../../../electron/engine/hosts/trainer-client.ts';
import { EngineDouble } from './engine-double.ts';
import { writeFiles } from './files.ts';
import { samplesFolder, testModels } from './models.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** The app on a library, with an engine that computes nothing. */
export interface Session {
  app: AppService;
  engine: EngineDouble;
  events: AppEvent[];
  libraryPath: string;
}

/** An app on a library of its own, and a folder of files `000.jpg`, ... that only the double can predict. */
export function testApp(t: TestContext, count = 0): Session & { folder: string } {
  const root = temporaryFolder(t);
  const folder = join(root, 'pictures');
  mkdirSync(folder);
  const names = Array.from({ length: count }, (_, index) => `${String(index).padStart(3, '0')}.jpg`);
  writeFiles(folder, Object.fromEntries(names.map((name) => [name, name])));
  return { folder, ...session(t, join(root, 'library.db')) };
}

interface SessionOptions {
  bundledFolder?: string;
  data?: string; // folder of settings, trainings and the user's models
  trainer?: TrainerApi;
  clock?: Clock;
  downloads?: DownloadOptions;
}

/** A session on a library; another one may follow on the same. */
export function session(t: TestContext, libraryPath: string, options: SessionOptions = {}): Session {
  const { bundledFolder = testModels, data = dirname(libraryPath), clock = Date.now } = options;
  const engine = new EngineDouble();
  const app = createAppService({
    libraryPath,
    engine,
    trainer: options.trainer ?? connectTrainer(),
    registry: new ModelRegistry({ bundledFolder, userFolder: join(data, 'models') }),
    clock,
    folders: { data, samples: samplesFolder },
    ...(options.downloads === undefined ? {} : { downloads: options.downloads }),
  });
  const events: AppEvent[] = [];
  app.subscribe((event) => events.push(event));
  t.after(() => app.close());
  return { app, engine, events, libraryPath };
}
