import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { winnow } from '../../electron/support/command-line.ts';
import { drawTruth, makeFoundRuns } from './found-pictures.ts';
import { makeTrainings } from './made-trainings.ts';
import { drawClasses } from './pictures.ts';
import { label } from './prepare.ts';

/** Where the truth about the scenes of a showcase lies. */
export const truthOf = (folder: string) => `${folder} truth.json`;

/**
 * A library that has something for every view: drawn pictures in class folders at `folder`, run 1 with Fast, run 2
 * with Accurate; scenes beside it, run 3 with what a detection model found in them and run 4 with a segmentation model's
 * maps; a training that is done, and one that is not; and a backup.
 */
export async function makeShowcase(data: string, folder: string): Promise<void> {
  await drawClasses(folder);
  writeFileSync(join(folder, 'bird', 'notes.jpg'), 'no picture');
  await label(data, folder, 'fast', 'accurate');
  await makeFoundRuns(data, join(dirname(folder), 'Scenes'));
  writeFileSync(truthOf(folder), await drawTruth());
  await makeTrainings(data, folder);
  await winnow(data, 'library', 'backup');
}
