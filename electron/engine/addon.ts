import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Precision } from '../shared/run.ts';

/**
 * The native addon's JavaScript face, stated once. Errors arrive as `Error` with a `code` of
 * electron/shared/errors.ts.
 */
export interface NativeAddon {
  /** Devices that this build knows, usable or not. */
  devices(): NativeDevice[];
  /** Maps, checks and packs a model package; rejects with BAD_MODEL or ENGINE. */
  loadModel(
    packagePath: string,
    options: { device: string; threads: number; precision: Precision },
  ): Promise<NativeModel>;
  /**
   * PIL's bicubic resize of the shorter side to `resize`, then the centre crop, byte for byte as the original evaluates.
   * `source` is RGB, row-major, width x height x 3 bytes; crop x crop x 3 bytes are written to `target` at
   * `offset`. Runs off the JavaScript thread; both arrays must stay untouched until the promise settles.
   */
  resizeAndCrop(
    source: Uint8Array,
    width: number,
    height: number,
    shape: { resize: number; crop: number },
    target: Uint8Array,
    offset: number,
  ): Promise<void>;
}

export interface NativeDevice {
  name: string; // what --device takes: 'cpu', 'reference'
  description: string; // processor name, instruction set, threads
  available: boolean;
  reason: string | undefined; // why not, in one sentence
  precisions: Precision[]; // that it computes natively, most exact first
}

export interface NativeModel {
  /**
   * Predicts `count` pictures of crop x crop x 3 RGB bytes, one behind the other in `pixels`.
   * `tokenKeep`: one ratio per pruning stage, 0 < r <= 1, of the patches before any pruning.
   * A scan direction runs where sigmoid(logit) > blockThreshold.
   * One call at a time; rejects with CANCELLED after cancel().
   */
  predict(
    pixels: Uint8Array,
    count: number,
    options: { tokenKeep: readonly number[]; blockThreshold: number },
  ): Promise<NativeBatch>;
  /** Ends the running predict at the next layer. Does nothing when none runs. */
  cancel(): void;
}

export interface NativeBatch {
  logits: Float32Array; // [count, classes]
  directions: Uint8Array; // [count, depth]; bit 0: the forward scan ran, bit 1: the backward scan ran
  survived: Uint8Array; // [count, patches]; number of pruning stages that the patch survived
  milliseconds: number; // of the whole batch in the engine
}

/** Loads the addon that build/setup.mjs built. */
export function loadAddon(): NativeAddon {
  const path = fileURLToPath(new URL('../../out/native/winnow.node', import.meta.url));
  return createRequire(import.meta.url)(path) as NativeAddon;
}
