// The dialect that the kernels are written in: CUDA C++, the Metal Shading Language and the host's C++ have
// it each by a header that gives these words. The compiler of a platform is told which: WINNOW_DIALECT is the
// name of that header.
//
//   DEVICE, SHARED, PRIVATE, CONSTANT  address space of what a pointer or a reference points to
//   INLINE                     in front of a function that kernels call
//   UNROLL                     in front of a loop whose count is known
//   KERNEL(name, Arguments)    in front of a kernel's body, which knows `a` (its arguments), `block` (.x, .y,
//                              .z: its index among the blocks), `thread_id` (its index in the block),
//                              `threads` (of the block) and `scratch` (the floats of shared memory that the
//                              launch gave)
//   KERNEL_OF(name, Arguments, largest)  the same for blocks of at most `largest` threads; KERNEL's are 256
//   SHARED_ARRAY(Type, name, count)      shared memory of a block; at the beginning of a kernel's body only
//   BARRIER()                  all threads of the block, with what they wrote to shared and device memory
//   WARP_BARRIER()             the 32 threads of a warp, with what they wrote to shared memory
//   exchange(value, mask)      the value of the thread of the warp whose number differs in the mask's bits
//   to_float, to_half          of the device's 16-bit numbers
//   fast_..., exact_...        to a few units of the last place, and as exactly as the platform can
//   Sums, Left, Right          16 x 16 matrices that the threads of a warp hold together
//   load_tile, store_tile      rows of a matrix to or from shared memory
//   clear_tile                 sums = 0
//   multiply_tiles             sums += left right^T
//
// All of MSL's limits hold: no recursion, no double, no virtual functions, no pointer without an address
// space, no shared memory outside of a kernel's body.
#pragma once

#include WINNOW_DIALECT

#define KERNEL(name, Arguments) KERNEL_OF(name, Arguments, 256)

namespace winnow {
namespace gpu {

struct alignas(16) Four {
  float at[4];
};

// Of shared memory that is aligned to them: in one load.
INLINE Four load_four(SHARED const float* values) { return *(SHARED const Four*)values; }

INLINE float sigmoid(float v) { return fast_divide(1.0f, 1.0f + fast_exp2(v * -1.44269504f)); }
INLINE float silu(float v) { return v * sigmoid(v); }

// log(1 + e^v). Where e^v is small 1 + e^v would lose it.
INLINE float softplus(float v) {
  const float e = fast_exp2(v * 1.44269504f);
  const float small = e * (1.0f - e * (0.5f - e * 0.33333333f));
  const float large = fast_log2(1.0f + e) * 0.69314718f;
  return v > 20.0f ? v : e < 0.015625f ? small : large;
}

// The error function to 1.5e-7 (Abramowitz and Stegun, 7.1.26).
INLINE float error_function(float v) {
  const float size = v < 0.0f ? -v : v;
  const float t = 1.0f / (1.0f + 0.3275911f * size);
  const float sum =
      t * (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
  const float result = 1.0f - sum * exact_exp(-size * size);
  return v < 0.0f ? -result : result;
}

INLINE float activated(float v, int activation) {
  if (activation == 1) return 0.5f * v * (1.0f + error_function(v * 0.70710678f));
  if (activation == 2) return v > 0.0f ? v : 0.0f;
  return v;
}

INLINE float warp_sum(float value) {
  UNROLL for (uint32_t mask = 16; mask > 0; mask /= 2) value += exchange(value, mask);
  return value;
}

// 1 / sqrt(mean of squares + epsilon) of a row of `dim` values that a warp holds, each thread every 32nd from
// its lane on: the scale of RMSNorm.
INLINE float rms_scale(DEVICE const float* row, int dim, int lane, float epsilon) {
  float sum = 0.0f;
  for (int d = lane; d < dim; d += 32) sum = fused(row[d], row[d], sum);
  return fast_rsqrt(warp_sum(sum) / float(dim) + epsilon);
}

// Likewise of LayerNorm: mean and 1 / sqrt(variance + epsilon).
struct Spread {
  float mean, scale;
};

INLINE Spread spread_of(DEVICE const float* row, int dim, int lane, float epsilon) {
  float sum = 0.0f, squares = 0.0f;
  for (int d = lane; d < dim; d += 32) sum += row[d];
  Spread spread;
  spread.mean = warp_sum(sum) / float(dim);
  for (int d = lane; d < dim; d += 32) squares = fused(row[d] - spread.mean, row[d] - spread.mean, squares);
  spread.scale = fast_rsqrt(warp_sum(squares) / float(dim) + epsilon);
  return spread;
}

// Row of the `patch`-th patch, as ops/special_tokens.h.
INLINE int row_of_patch(Special s, int patch) {
  if (patch < s.first || s.count == 0) return patch;
  if (s.step == 1) return patch + s.count;
  const int before = 1 + (patch - s.first) / (s.step - 1);
  return patch + (before < s.count ? before : s.count);
}

// Special tokens in the rows before `row`.
INLINE int special_before(Special s, int row) {
  if (row <= s.first) return 0;
  const int before = (row - s.first + s.step - 1) / s.step;
  return before < s.count ? before : s.count;
}

INLINE bool is_special(Special s, int row) {
  const int index = special_before(s, row);
  return index < s.count && s.first + index * s.step == row;
}

}  // namespace gpu
}  // namespace winnow
