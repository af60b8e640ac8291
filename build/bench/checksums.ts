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
const TICKS = 100; // of a second, in /proc

/** Seconds of the processor, which other programs change less than those of the clock. */
interface Cost {
  app: number; // in the app's own process, which writes the library
  all: number; // with the engine host, from its start to its end
}

/**
 * What the checksums of rows cost a run of the smallest bundled model, where they weigh most: with and without their triggers
 * by turns. Linux only.
 */
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
  const microseconds = (what: keyof Cost) =>
    (['with', 'without'] as const).map((kind) => ((of(kind, what) / count) * 1e6).toFixed(0));
  const share = (of('with', 'app') - of('without', 'app')) / of('without', 'all');
  printTable(
    [`${count} pictures of 100 x 75 into rows, us of the processor for each`, 'with checksums', 'without'],
    [
      ['the app', ...microseconds('app')],
      ['the app and the engine', ...microseconds('all')],
      ['share of the checksums', `${(100 * share).toFixed(1)} %`, ''],
    ],
  );
}

/** Of processes that were started here and have ended. */
function childrensSeconds(): number {
  const fields = fs
    .readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[13]) + Number(fields[14])) / TICKS; // cutime and cstime
}

async function runOnce(work: string, folder: string, withSums: boolean): Promise<Cost> {
  const data = fs.mkdtempSync(path.join(work, 'data-'));
  const exec = Reflect.get<Database.Database, 'exec'>(Database.prototype, 'exec');
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
    const [before, childrenBefore] = [process.cpuUsage(), childrensSeconds()];
    const { counts } = await app.run({ folders: [folder], model: 'everyday10', device: 'cpu' });
    const { user, system } = process.cpuUsage(before);
    if (counts.ok !== counts.total)
      throw new Error(`Expected ${counts.total} results, but got ${counts.ok}.`);
    await app.close(); // and the engine host with it, whose time is known then
    const own = (user + system) / 1e6;
    return { app: own, all: own + childrensSeconds() - childrenBefore };
  } finally {
    await app.close();
    Database.prototype.exec = exec;
    fs.rmSync(data, { recursive: true });
  }
}
