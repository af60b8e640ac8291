import { partialPath } from '../../../electron/core/files/partial-files.ts';

/** Where a process that is dead by now was writing in a folder. */
export function abandonedPath(folder: string): string {
  return partialPath(folder).replace(`.${process.pid}.`, '.999999999.');
}
