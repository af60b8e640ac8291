import { join } from 'node:path';
import { AppError } from '../../shared/errors.ts';
import { shortJson } from '../../shared/shortened.ts';
import { isDeviceName } from '../files/folder-name.ts';

export const PACKAGE_EXTENSION = '.safetensors';

/** Names that are safe as a file name on every system: no separators, no device names of Windows. */
const SAFE_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/i;

export function isPackageName(name: string): boolean {
  return SAFE_NAME.test(name) && !isDeviceName(name) && !name.endsWith('.');
}

/** Path of a package by name. Throws BAD_ARGUMENT for a name that is no safe file name. */
export function packagePath(folder: string, name: string): string {
  if (isPackageName(name)) return join(folder, name + PACKAGE_EXTENSION);
  throw new AppError(
    'BAD_ARGUMENT',
    `${shortJson(name)} cannot be the name of a model`,
    'Use up to 64 letters, digits, dots, hyphens and underscores, and a letter or digit first.',
  );
}

/** The safe name that is nearest to a text; `model` when nothing of it is left. */
export function nearestPackageName(text: string): string {
  const name = text
    .replace(/[^a-z0-9._-]+/gi, '-')
    .replace(/^[^a-z0-9]+/i, '')
    .slice(0, 60)
    .replace(/[.-]+$/, '');
  return isPackageName(name) ? name : 'model';
}
