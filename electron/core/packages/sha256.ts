import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../../shared/errors.ts';

/** SHA-256 of a whole file, hex. Rejects with NOT_FOUND when the file cannot be read. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash).catch((cause: unknown) => {
    throw new AppError('NOT_FOUND', `The file ${path} cannot be read`, 'Check the path.', { cause });
  });
  return hash.digest('hex');
}
