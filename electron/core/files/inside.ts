import { sep } from 'node:path';

/** Whether `path` lies below `folder`, both real paths; `separator` is that of their system. */
export function isInside(path: string, folder: string, separator = sep): boolean {
  return path.startsWith(folder.endsWith(separator) ? folder : folder + separator);
}
