import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../../shared/errors.ts';
import { openRegularFile } from '../files/regular-file.ts';

/** SHA-256 of a whole file, hex. Rejects with BAD_ARGUMENT for a pipe, NOT_FOUND when the file cannot be read. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  const read = async () => pipeline((await openRegularFile(path, 'readable')).createReadStream(), hash);
  await read().catch((cause: unknown) => {
    if (cause instanceof AppError) throw cause;
    throw new AppError('NOT_FOUND', `The file ${path} cannot be read`, 'Check the path.', { cause });
  });
  return hash.digest('hex');
}
