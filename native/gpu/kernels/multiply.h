// The built-in matrix product on tensor cores, for where the maker's library is missing.
#pragma once

#include "gpu/kernels/dialect.h"

namespace winnow {
namespace gpu {

constexpr CONSTANT int kDepth = 32;  // inputs of a step
constexpr CONSTANT int kPitch = 40;  // halves of a row in shared memory: rows begin in different banks
constexpr CONSTANT int kEighths =
    kProductTile * kDepth / 8 / 256;  // runs of 8 halves that a thread loads of a matrix

struct alignas(16) EightHalves {
  Half at[8];
};

// The 8 inputs from `column` on of a row of a matrix; zeros beyond its edges.
INLINE EightHalves load_eight(DEVICE const Half* matrix, int row, int rows, int column, int columns) {
  EightHalves eight;
  if (row < rows && columns % 8 == 0 && column < columns)
    return *(DEVICE const EightHalves*)(matrix + int64_t(row) * columns + column);
  UNROLL for (int i = 0; i < 8; ++i) {
    const bool lies_inside = row < rows && column + i < columns;
    eight.at[i].bits = lies_inside ? matrix[int64_t(row) * columns + column + i].bits : uint16_t(0);
  }
  return eight;
}

// 8 warps, each with 32 rows and 64 outputs of the block's 128 x 128. Blocks are (outputs, rows, products).
// The next step's inputs are loaded into registers while the present one's are multiplied.
KERNEL(multiply, Multiply) {
  SHARED_ARRAY(EightHalves, x, kProductTile * kPitch / 8);
  SHARED_ARRAY(EightHalves, w, kProductTile * kPitch / 8);
  SHARED_ARRAY(float, results, 8 * 256);
  const int warp = int(thread_id / 32), lane = int(thread_id % 32);
  const int first_row = int(block.y) * kProductTile, first_output = int(block.x) * kProductTile;
  DEVICE const Half* x_matrix = a.x + int64_t(block.z) * a.x_step;
  DEVICE const Half* w_matrix = a.w + int64_t(block.z) * a.w_step;
  EightHalves next_x[kEighths], next_w[kEighths];
  Sums sums[2][4];
  UNROLL for (int i = 0; i < 2; ++i) { UNROLL for (int j = 0; j < 4; ++j) clear_tile(sums[i][j]); }
  UNROLL for (int i = 0; i < kEighths; ++i) {
    const int run = i * 256 + int(thread_id), row = run / (kDepth / 8), column = run % (kDepth / 8) * 8;
    next_x[i] = load_eight(x_matrix, first_row + row, a.rows, column, a.inputs);
    next_w[i] = load_eight(w_matrix, first_output + row, a.outputs, column, a.inputs);
  }
  for (int input = 0; input < a.inputs; input += kDepth) {
    BARRIER();
    UNROLL for (int i = 0; i < kEighths; ++i) {
      const int run = i * 256 + int(thread_id),
                offset = run / (kDepth / 8) * (kPitch / 8) + run % (kDepth / 8);
      x[offset] = next_x[i];
      w[offset] = next_w[i];
    }
    BARRIER();
    UNROLL for (int i = 0; i < kEighths; ++i) {
      const int run = i * 256 + int(thread_id), row = run / (kDepth / 8);
      const int column = input + kDepth + run % (kDepth / 8) * 8;
      next_x[i] = load_eight(x_matrix, first_row + row, a.rows, column, a.inputs);
      next_w[i] = load_eight(w_matrix, first_output + row, a.outputs, column, a.inputs);
    }
    SHARED const Half* x_rows = (SHARED const Half*)x + warp % 4 * 32 * kPitch;
    SHARED const Half* w_rows = (SHARED const Half*)w + warp / 4 * 64 * kPitch;
    UNROLL for (int k = 0; k < kDepth; k += 16) {
      Left left[2];
      UNROLL for (int i = 0; i < 2; ++i) load_tile(left[i], x_rows + i * 16 * kPitch + k, kPitch, thread_id);
      UNROLL for (int j = 0; j < 4; ++j) {
        Right right;
        load_tile(right, w_rows + j * 16 * kPitch + k, kPitch, thread_id);
        UNROLL for (int i = 0; i < 2; ++i) multiply_tiles(sums[i][j], left[i], right, thread_id);
      }
    }
  }
  SHARED float* tile = results + warp * 256;
  UNROLL for (int i = 0; i < 2; ++i) {
    UNROLL for (int j = 0; j < 4; ++j) {
      WARP_BARRIER();
      store_tile(tile, sums[i][j], 16, thread_id);
      WARP_BARRIER();
      for (int element = lane; element < 256; element += 32) {
        const int row = first_row + warp % 4 * 32 + i * 16 + element / 16;
        const int output = first_output + warp / 4 * 64 + j * 16 + element % 16;
        if (row >= a.rows || output >= a.outputs) continue;
        const int64_t index = int64_t(block.z) * a.out_step + int64_t(row) * a.outputs + output;
        float value = a.scale * tile[element];
        if (a.out_is_fp32 != 0) {
          DEVICE float* out = (DEVICE float*)a.out + index;
          if (a.keep != 0.0f) value = fused(a.keep, *out, value);
          *out = value;
        } else {
          DEVICE Half* out = (DEVICE Half*)a.out + index;
          if (a.keep != 0.0f) value = fused(a.keep, to_float(*out), value);
          *out = to_half(value);
        }
      }
    }
  }
}

}  // namespace gpu
}  // namespace winnow
