import envPaths from 'env-paths';
import { join, resolve } from 'node:path';
import { tightenFolder } from './private.ts';

/** What Winnow makes in the data folder for itself. */
const OWN_FOLDERS = ['backups', 'crashes', 'downloads', 'models', 'thumbnails', 'trainings', 'window'];

/** Where library, settings and models of the user lie, unless WINNOW_DATA says another place. Absolute. */
export function dataFolder(): string {
  return resolve(process.env['WINNOW_DATA'] ?? envPaths('winnow', { suffix: '' }).data);
}

/** Earlier versions let others look into these folders. */
export function tightenDataFolder(data: string): void {
  for (const path of [data, ...OWN_FOLDERS.map((name) => join(data, name))]) tightenFolder(path);
}
