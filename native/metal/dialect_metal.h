// The kernels' dialect in the Metal Shading Language 3.0; what each word means is said in
// gpu/kernels/dialect.h. fp16: all of Apple's GPUs compute with it, the first two generations have no bf16,
// and Metal's own products take none.
#pragma once

#include <metal_simdgroup_matrix>
#include <metal_stdlib>

#define DEVICE device
#define SHARED threadgroup
#define PRIVATE thread
#define CONSTANT constant
#define INLINE static inline
#define UNROLL _Pragma("clang loop unroll(full)")

#include "gpu/kernels/arguments.h"

namespace winnow {
namespace gpu {

using namespace metal;

// The number of threads comes in a buffer: positions of a kernel have all as many components in Metal.
#define KERNEL_OF(name, Arguments, largest)                                                        \
  [[kernel, max_total_threads_per_threadgroup(largest)]] void name(                                \
      constant Arguments& a [[buffer(0)]], constant uint& threads [[buffer(1)]],                   \
      threadgroup float* scratch [[threadgroup(0)]], uint3 block [[threadgroup_position_in_grid]], \
      uint thread_id [[thread_index_in_threadgroup]])

#define SHARED_ARRAY(Type, name, count) threadgroup Type name[count]
#define BARRIER() threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device)
#define WARP_BARRIER() simdgroup_barrier(mem_flags::mem_threadgroup)

INLINE float to_float(Half h) { return float(as_type<half>(h.bits)); }
INLINE Half to_half(float v) {
  Half h;
  h.bits = as_type<ushort>(half(v));
  return h;
}

INLINE float exchange(float value, uint mask) { return simd_shuffle_xor(value, ushort(mask)); }

INLINE float fast_exp2(float v) { return fast::exp2(v); }
INLINE float fast_log2(float v) { return fast::log2(v); }
INLINE float fast_divide(float a, float b) { return fast::divide(a, b); }
INLINE float fast_rsqrt(float v) { return fast::rsqrt(v); }
INLINE float exact_exp(float v) { return precise::exp(v); }
INLINE float exact_log(float v) { return precise::log(v); }
INLINE float fused(float a, float b, float c) { return fma(a, b, c); }

// 16 x 16 as four matrices of 8 x 8.
struct Sums {
  simdgroup_float8x8 part[2][2];
};
struct Left {
  simdgroup_half8x8 part[2][2];
};
struct Right {
  simdgroup_half8x8 part[2][2];
};

INLINE void clear_tile(thread Sums& sums) {
  for (uint i = 0; i < 2; ++i)
    for (uint j = 0; j < 2; ++j) sums.part[i][j] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
}
INLINE void load_tile(thread Left& tile, threadgroup const Half* rows, uint pitch, uint) {
  threadgroup const half* values = (threadgroup const half*)rows;
  for (uint i = 0; i < 2; ++i)
    for (uint j = 0; j < 2; ++j) simdgroup_load(tile.part[i][j], values + i * 8 * pitch + j * 8, pitch);
}
// Transposed, as its rows are the product's columns.
INLINE void load_tile(thread Right& tile, threadgroup const Half* rows, uint pitch, uint) {
  threadgroup const half* values = (threadgroup const half*)rows;
  for (uint i = 0; i < 2; ++i)
    for (uint j = 0; j < 2; ++j)
      simdgroup_load(tile.part[i][j], values + j * 8 * pitch + i * 8, pitch, ulong2(0), true);
}
INLINE void multiply_tiles(thread Sums& sums, thread const Left& left, thread const Right& right, uint) {
  for (uint i = 0; i < 2; ++i)
    for (uint j = 0; j < 2; ++j)
      for (uint k = 0; k < 2; ++k)
        simdgroup_multiply_accumulate(sums.part[i][j], left.part[i][k], right.part[k][j], sums.part[i][j]);
}
INLINE void store_tile(threadgroup float* rows, thread const Sums& sums, uint pitch, uint) {
  for (uint i = 0; i < 2; ++i)
    for (uint j = 0; j < 2; ++j) simdgroup_store(sums.part[i][j], rows + i * 8 * pitch + j * 8, pitch);
}

}  // namespace gpu
}  // namespace winnow
