import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Request } from '../../../electron/core/app/app-context.ts';
import { displayNames } from '../../../electron/core/models/class-names.ts';
import type { Run } from '../../../electron/shared/run.ts';
import { detectionCheckpoint } from '../core/checkpoint/tiny-model.ts';
import { saveZip } from '../core/checkpoint/torch-save.ts';
import { testApp } from './test-app.ts';
import type { Session } from './test-app.ts';

type Dial = Omit<Request<'run'>, 'folders' | 'find'>;
export type Find = NonNullable<Request<'run'>['find']>;

export interface TwoStageHome extends Session {
  folder: string;
  kinds: string[]; // of the finder
  /** Runs everyday10 on what `finder` finds; no kind is passed through unless one is named. */
  run: (find: Find, dial?: Dial) => Promise<Run>;
}

/**
 * An app with the detection model `finder` and the classifier everyday10, over the double. Picture NNN has NNN modulo 4
 * objects, of the classes from NNN on; a crop's class is the last digit of its left edge: 0 of the first object, 7 of others.
 */
export async function twoStageHome(t: TestContext, count: number): Promise<TwoStageHome> {
  const made = testApp(t, count);
  const { app, folder } = made;
  const file = join(folder, '..', 'model.pth');
  writeFileSync(file, saveZip(detectionCheckpoint()));
  const { manifest } = await app.importModel({ file, name: 'finder', halveDirections: false });
  const run = (find: Find, dial: Dial = {}) =>
    app.run({ folders: [folder], ...dial, find: { model: 'finder', pass: [], ...find } });
  return { ...made, kinds: displayNames(manifest.labels), run };
}
