import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { createAppService } from '../../electron/core/app-service.ts';
import { keptText } from '../../electron/core/files/kept-text.ts';
import { ModelRegistry } from '../../electron/core/registry/model-registry.ts';
import { DeviceEngine } from '../../electron/engine/devices/device-engine.ts';
import { connectTrainer } from '../../electron/engine/hosts/trainer-client.ts';
import { root } from '../setup.mjs';
import { writePhotos } from './pictures.ts';
import { median, printTable } from './tables.ts';

const ROUNDS = 5;
const TICKS = 100; // of a second, in /proc
const REAPED = 1000; // milliseconds within which an engine host that was closed has ended

type Kind = 'with' | 'without';

/**
 * What the checksums of rows cost a run of the smallest bundled model, where they weigh most: with and without their triggers
 * by turns. Linux only.
 */
export async function benchChecksums(work: string, count: number): Promise<void> {
  const folder = path.join(work, 'checksums');
  await writePhotos(folder, count, { width: 100, height: 75, tiles: 1 });
  const costs: Record<Kind, number[]> = { with: [], without: [] };
  const before = childrensSeconds();
  for (let round = 0; round <= ROUNDS; round++) {
    for (const kind of ['with', 'without'] as const) {
      const cost = await runOnce(work, folder, kind === 'with');
      if (round > 0) costs[kind].push(cost); // the first warms up
    }
  }
  await sleep(REAPED);
  const engine = (childrensSeconds() - before) / (2 * (ROUNDS + 1));
  const [more, less] = [median(costs.with), median(costs.without)];
  const microseconds = (...seconds: number[]) => seconds.map((one) => ((one / count) * 1e6).toFixed(0));
  printTable(
    [`${count} pictures of 100 x 75 into rows, us of the processor for each`, 'with checksums', 'without'],
    [
      ['the app, which writes the library', ...microseconds(more, less)],
      ['the engine', ...microseconds(engine, engine)],
      ['share of the checksums', `${((100 * (more - less)) / (less + engine)).toFixed(1)} %`, ''],
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

/**
 * Seconds of the processor that the app's own process takes of a run; other programs change less of them than of the
 * clock's.
 */
async function runOnce(work: string, folder: string, withSums: boolean): Promise<number> {
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
    trainer: connectTrainer(),
    registry: new ModelRegistry({ bundledFolder: models, userFolder: path.join(data, 'models') }),
    clock: Date.now,
    folders: { data, samples },
  });
  try {
    const before = process.cpuUsage();
    const { counts } = await app.run({ folders: [folder], model: 'everyday10', device: 'cpu' });
    const { user, system } = process.cpuUsage(before);
    if (counts.ok !== counts.total)
      throw new Error(`Expected ${counts.total} results, but got ${counts.ok}.`);
    return (user + system) / 1e6;
  } finally {
    await app.close();
    Database.prototype.exec = exec;
    fs.rmSync(data, { recursive: true });
  }
}
