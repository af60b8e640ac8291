import { GPU_BACKENDS } from '../../../electron/shared/run.ts';
import type { GpuFacts } from '../../../electron/shared/run.ts';
import type { Translate } from '../../lib/text/messages.ts';

/** A GPU in one line: backend, driver, free and total memory. */
export function gpuText(
  { backend, driver, freeBytes, memoryBytes }: GpuFacts,
  { t, bytes }: { t: Translate; bytes: (value: number) => string },
): string {
  return t('new-run.device-gpu', {
    backend: GPU_BACKENDS[backend],
    driver,
    free: bytes(freeBytes),
    total: bytes(memoryBytes),
  });
}
