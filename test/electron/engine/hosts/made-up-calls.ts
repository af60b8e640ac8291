/** Calls that no host of Winnow knows: made-up-host.ts answers them. */
export interface MadeUpCalls {
  reversed(bytes: Uint8Array, times?: number): Promise<{ bytes: Uint8Array; numbers: Float32Array }>;
  failing(how: 'code' | 'picture' | 'mistake' | 'uncopyable'): Promise<() => void>;
  /** Waits for so many others; comes back with the names of those and its own. */
  waiting(name: string, others: number): Promise<string[]>;
}
