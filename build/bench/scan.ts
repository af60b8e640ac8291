import fs from 'node:fs';
import path from 'node:path';
import { ModelRegistry } from '../../electron/core/registry/model-registry.ts';
import { standardPresets } from '../../electron/core/models/presets.ts';
import { scanRun } from '../../electron/core/runs/scan-run.ts';
import { Library } from '../../electron/core/store/library.ts';
import { root } from '../setup.mjs';
import { printTable, timed } from './tables.ts';

/** A new library and a run of everyday10 on a folder in it, not scanned yet. */
export async function newRun(databaseFile: string, folder: string) {
  const bundledFolder = path.join(root, 'resources/models');
  const registry = new ModelRegistry({ bundledFolder, userFolder: path.dirname(databaseFile) });
  const model = await registry.find('everyday10');
  const [preset] = standardPresets(model.manifest);
  if (preset === undefined) throw new Error('a model has presets');
  const library = Library.open(databaseFile);
  const modelSha256 = await registry.sha256(model);
  library.models.put({ ...model, sha256: modelSha256 });
  const spec = { folders: [folder], modelName: model.name, modelSha256, preset, device: 'cpu' };
  const run = library.runs.ensure(spec, new Date().toISOString());
  const scan = () =>
    scanRun(library, run, new AbortController().signal, {
      onFound: () => undefined,
      onNotice: () => undefined,
    });
  return { library, run, scan };
}

/** A folder with very many files, from the disk into the library. */
export async function benchScan(work: string, count: number): Promise<void> {
  const folder = path.join(work, 'tiny');
  fs.mkdirSync(folder, { recursive: true });
  for (let i = 0; i < count; i++) fs.writeFileSync(path.join(folder, `${i}.jpg`), '');
  const databaseFile = path.join(work, 'scan.db');
  const { library, scan } = await newRun(databaseFile, folder);
  const seconds = async () => ((await timed(scan)) / 1000).toFixed(1);
  printTable(
    [`${count} files in one folder, into the library`, 's'],
    [
      ['first scan', await seconds()],
      ['again', await seconds()],
    ],
  );
  library.close();
  for (const made of [folder, databaseFile]) fs.rmSync(made, { recursive: true });
}
