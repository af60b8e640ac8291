import { AppError } from '../../shared/errors.ts';
import { openRegularFile } from '../files/regular-file.ts';
import { BoundedFile } from './bounded-file.ts';
import type { CheckpointContent } from './checkpoint-content.ts';
import { openLegacy } from './legacy-checkpoint.ts';
import { badCheckpoint } from './pickle-values.ts';
import { openZip } from './zip-checkpoint.ts';

/** An open checkpoint; `read` returns exactly `length` bytes from `position`. */
export interface CheckpointFile extends CheckpointContent {
  read(position: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Opens a `.pth` file as torch.save writes it, in the zip format or the older one. Reads its structure, not its
 * tensors. Rejects with NOT_FOUND or BAD_CHECKPOINT.
 */
export async function openCheckpoint(path: string): Promise<CheckpointFile> {
  const handle = await openRegularFile(path, 'checkpoint').catch((cause: unknown) => {
    if (cause instanceof AppError) throw cause;
    throw new AppError('NOT_FOUND', `The checkpoint ${path} cannot be opened`, 'Check the path.', { cause });
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw badCheckpoint(`${path} is not a file`, 'Give the path of a .pth file.');
    const file = new BoundedFile(handle, stats.size);
    const content = await openContent(file);
    return {
      root: content.root,
      place: (storage) => content.place(storage),
      read: (position, length) => file.read(position, length),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openContent(file: BoundedFile): Promise<CheckpointContent> {
  if (file.size === 0) throw badCheckpoint('The checkpoint is empty');
  const start = await file.read(0, Math.min(file.size, 2));
  if (start[0] === 0x50 && start[1] === 0x4b) return openZip(file); // "PK"
  if (start[0] === 0x80) return openLegacy(file); // a pickle's PROTO
  throw badCheckpoint(
    'The checkpoint starts neither like a zip archive nor like a pickle, so torch.save did not write it',
  );
}
