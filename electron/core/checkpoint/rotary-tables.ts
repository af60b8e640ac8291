import { badCheckpoint } from './pickle-values.ts';
import type { TensorReader } from './read-tensor.ts';
import type { StateDict } from './state-dict.ts';
import { shortened, shortJson } from '../../shared/shortened.ts';

/** Positions along a side of the grid, whatever its number of patches. */
const POSITIONS = 14;

const THETA = 10_000;

const TOLERANCE = 1e-4;

/**
 * Makes sure that a checkpoint's tables of rotations (RoPE) are those that are computed in their place: with p = 14 r / side
 * for row or column r and w_q = 10000^(-4q / width), channels 2q and 2q + 1 of a patch turn by p w_q of its row in the first
 * half of the width, and of its column in the second. Rejects with BAD_CHECKPOINT.
 */
export async function checkRotaryTables(
  state: StateDict,
  reader: TensorReader,
  { embedDim: width, side }: { embedDim: number; side: number },
): Promise<void> {
  for (const name of state.tensors.keys()) {
    const [, table] = /\.rope\.freqs_(cos|sin)$/.exec(name) ?? [];
    const tensor = state.tensors.get(name);
    if (table === undefined || tensor === undefined) continue;
    if (tensor.storage.type !== 'F32' || tensor.shape.join() !== [side ** 2, width].join()) {
      throw badCheckpoint(
        `The table ${shortened(name)} must be F32 [${side ** 2},${width}], but is ${tensor.storage.type} ${shortJson(tensor.shape)}`,
        OTHER_ROTATION_HINT,
      );
    }
    const bytes = await reader.read(tensor, name);
    const values = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const turn = table === 'cos' ? Math.cos : Math.sin;
    for (let index = 0; index < side ** 2 * width; index++) {
      const expected = turn(angle(Math.floor(index / width), index % width, side, width));
      if (!(Math.abs(values.getFloat32(4 * index, true) - expected) <= TOLERANCE)) {
        throw badCheckpoint(
          `The table ${shortened(name)} does not hold the rotations of a grid of ${side} x ${side} patches on ${POSITIONS} x ${POSITIONS} positions`,
          OTHER_ROTATION_HINT,
        );
      }
    }
  }
}

const OTHER_ROTATION_HINT = 'Winnow computes these tables itself, and knows only those of Vim.';

function angle(patch: number, channel: number, side: number, width: number): number {
  const half = width / 2;
  const position = channel < half ? Math.floor(patch / side) : patch % side;
  const pair = Math.floor((channel % half) / 2);
  return ((POSITIONS * position) / side) * THETA ** ((-2 * pair) / half);
}
