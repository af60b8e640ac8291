import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { createAppService } from '../../electron/core/app-service.ts';
import { keptText } from '../../electron/core/files/kept-text.ts';
import { ModelRegistry } from '../../electron/core/packages/model-registry.ts';
import { DeviceEngine } from '../../electron/engine/device-engine.ts';
import { TrainerClient } from '../../electron/engine/trainer-client.ts';
import { root } from '../setup.mjs';
import { writePhotos } from './pictures.ts';
import { median, printTable } from './tables.ts';

const ROUNDS = 5;

interface Cost {
  seconds: number; // from the first file of a run to its last row
  processor: number; // seconds of the processor in the app's own process, which writes the library
}

/** What the checksums of rows cost a run of the smallest bundled model: with and without their triggers by turns. */
export async function benchChecksums(work: string, count: number): Promise<void> {
  const folder = path.join(work, 'checksums');
  await writePhotos(folder, count, { width: 100, height: 75, tiles: 1 });
  const costs: Record<'with' | 'without', Cost[]> = { with: [], without: [] };
  for (let round = 0; round <= ROUNDS; round++) {
    for (const kind of ['with', 'without'] as const) {
      const cost = await runOnce(work, folder, kind === 'with');
      if (round > 0) costs[kind].push(cost); // the first warms up
    }
  }
  const of = (kind: 'with' | 'without', what: keyof Cost) => median(costs[kind].map((cost) => cost[what]));
  const [seconds, more] = [of('without', 'seconds'), of('with', 'processor') - of('without', 'processor')];
  printTable(
    [`${count} pictures of 32 pixels into rows`, 'with', 'without'],
    [
      ['images/s', ...(['with', 'without'] as const).map((kind) => (count / of(kind, 'seconds')).toFixed(0))],
      [
        'processor of the app, us an image',
        ...(['with', 'without'] as const).map((kind) => ((of(kind, 'processor') / count) * 1e6).toFixed(0)),
      ],
      ['checksums, of the time of the run', `${((100 * more) / seconds).toFixed(1)} %`, ''],
    ],
  );
}

async function runOnce(work: string, folder: string, withSums: boolean): Promise<Cost> {
  const data = fs.mkdtempSync(path.join(work, 'data-'));
  const exec = Database.prototype.exec;
  if (!withSums) {
    Database.prototype.exec = function (this: Database.Database, sql: string) {
      return /CREATE TEMP TRIGGER \w+_inserted AFTER INSERT/.test(sql) ? this : exec.call(this, sql);
    };
  }
  const samples = path.join(root, 'resources/samples/everyday');
  const models = path.join(root, 'resources/models');
  const app = createAppService({
    libraryPath: path.join(data, 'library.db'),
    engine: new DeviceEngine({
      trials: keptText(path.join(data, 'devices.json')),
      trial: { packagePath: path.join(models, 'everyday10.safetensors'), pictures: samples },
    }),
    trainer: new TrainerClient(),
    registry: new ModelRegistry({ bundledFolder: models, userFolder: path.join(data, 'models') }),
    clock: Date.now,
    folders: { data, samples },
  });
  try {
    const [started, before] = [performance.now(), process.cpuUsage()];
    const { counts } = await app.run({ folders: [folder], model: 'everyday10', device: 'cpu' });
    const { user, system } = process.cpuUsage(before);
    if (counts.ok !== counts.total)
      throw new Error(`Expected ${counts.total} results, but got ${counts.ok}.`);
    return { seconds: (performance.now() - started) / 1000, processor: (user + system) / 1e6 };
  } finally {
    await app.close();
    Database.prototype.exec = exec;
    fs.rmSync(data, { recursive: true });
  }
}
