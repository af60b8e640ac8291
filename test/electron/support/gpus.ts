import type { Device, GpuFacts } from '../../../electron/shared/run.ts';

/** A GPU as the engine lists it. */
export function gpu(name: string, facts: Partial<GpuFacts> = {}, reason?: string): Device {
  return {
    name,
    description: `a ${name}`,
    available: reason === undefined,
    reason,
    precisions: ['bf16'],
    gpu: {
      id: name,
      backend: 'cuda',
      driver: 'driver 1',
      products: 'none',
      memoryBytes: 10e9,
      freeBytes: 8e9,
      ...facts,
    },
  };
}
