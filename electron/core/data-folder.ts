import envPaths from 'env-paths';
import { resolve } from 'node:path';

/** Where library, settings and models of the user lie, unless WINNOW_DATA says another place. Absolute. */
export function dataFolder(): string {
  return resolve(process.env['WINNOW_DATA'] ?? envPaths('winnow', { suffix: '' }).data);
}
