import { setImmediate } from 'node:timers/promises';
import { answerCalls } from '../../../../electron/engine/hosts/answer-calls.ts';
import { AppError } from '../../../../electron/shared/errors.ts';
import { PictureError } from '../../../../electron/shared/picture-problem.ts';
import type { MadeUpCalls } from './made-up-calls.ts';

class MadeUpHandler implements MadeUpCalls {
  readonly #done: string[] = [];
  readonly notACall = 'a value';

  reversed(bytes: Uint8Array, times?: number): Promise<{ bytes: Uint8Array; numbers: Float32Array }> {
    for (let time = 0; time < (times ?? 1); time++) bytes.reverse();
    return Promise.resolve({ bytes, numbers: Float32Array.of(0.5, Infinity) });
  }

  failing(how: 'code' | 'picture' | 'mistake' | 'uncopyable'): Promise<() => void> {
    if (how === 'code') throw new AppError('DISK_FULL', 'There is no room', 'Make some.');
    if (how === 'picture') throw new PictureError({ code: 'empty' });
    if (how === 'mistake') throw new TypeError('Something is undefined');
    return Promise.resolve(() => undefined);
  }

  async waiting(name: string, others: number): Promise<string[]> {
    while (this.#done.length < others) await setImmediate();
    this.#done.push(name);
    return [...this.#done];
  }
}

answerCalls(new MadeUpHandler(), { other: () => Promise.resolve('of the other') });
