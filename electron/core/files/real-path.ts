import fs from 'node:fs';
import { promisify } from 'node:util';
import { codeOf } from '../../shared/errors.ts';

const linkByLink = promisify(fs.realpath);

/**
 * The absolute path of a file or folder that no link is part of, on Windows with the drive's own spelling. Some drives there
 * (of main memory, of some encryption programs) do not say it, and Wine does not of more than 260 characters: the links are
 * then followed one by one. Rejects as `fs.realpath` does.
 */
export async function realPath(path: string): Promise<string> {
  try {
    return await fs.promises.realpath(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw error;
    return linkByLink(path);
  }
}
