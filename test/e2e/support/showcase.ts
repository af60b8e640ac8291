import { cpSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { winnow } from '../../electron/support/command-line.ts';
import { sampleScenes } from '../../electron/support/models.ts';
import { makeTrainings } from './made-trainings.ts';
import { drawClasses } from './pictures.ts';
import { label } from './prepare.ts';

/** Where the truth about the scenes of a showcase lies. */
export const truthOf = (folder: string) => `${folder} truth.json`;

/**
 * A library that has something for every view: drawn pictures in class folders at `folder`, run 1 with Fast, run 2
 * with Accurate; the sample scenes beside it, run 3 with what the bundled detector found in them and run 4 with the
 * bundled segmenter's maps; a training that is done, and one that is not; and a backup.
 */
export async function makeShowcase(data: string, folder: string): Promise<void> {
  await drawClasses(folder);
  writeFileSync(join(folder, 'bird', 'notes.jpg'), 'no picture');
  await label(data, folder, 'fast', 'accurate');
  await labelScenes(data, join(dirname(folder), 'Scenes'));
  cpSync(`${sampleScenes}.json`, truthOf(folder));
  await makeTrainings(data, folder);
  await winnow(data, 'library', 'backup');
}

async function labelScenes(data: string, folder: string): Promise<void> {
  cpSync(sampleScenes, folder, { recursive: true });
  for (const model of ['parts-boxes', 'parts-map']) {
    const { code, stderr } = await winnow(data, 'run', folder, '--model', model, '--preset', 'accurate');
    if (code !== 0) throw new Error(stderr);
  }
}
