// The kernels' dialect on the host, so that their very text is checked where there is no GPU; what each word
// means is said in gpu/kernels/dialect.h. Threads of a block are fibres (gpu/host/host_kernels.h). A file
// that includes it says by WINNOW_HOST_FP16 (0 or 1) what the 16-bit numbers are.
#pragma once

#include <cmath>

#include "gpu/half.h"
#include "gpu/host/host_kernels.h"

#define DEVICE
#define SHARED
#define PRIVATE
#define CONSTANT
#define INLINE [[maybe_unused]] static inline
#define UNROLL

#include "gpu/kernels/arguments.h"

namespace winnow {
namespace gpu {

using std::sqrt;

using uint3 = HostPlace;

#define KERNEL_OF(name, Arguments, largest)                                                                  \
  static void name##_body(const Arguments& a, uint3 block, uint32_t thread_id, uint32_t threads,             \
                          float* scratch);                                                                   \
  static const HostKernel::Registration name##_kernel(                                                       \
      {#name, WINNOW_HOST_FP16 != 0, sizeof(Arguments), largest,                                             \
       [](const void* arguments, const uint3& block, uint32_t thread_id, uint32_t threads, float* scratch) { \
         name##_body(*static_cast<const Arguments*>(arguments), block, thread_id, threads, scratch);         \
       }});                                                                                                  \
  static void name##_body([[maybe_unused]] const Arguments& a, [[maybe_unused]] uint3 block,                 \
                          [[maybe_unused]] uint32_t thread_id, [[maybe_unused]] uint32_t threads,            \
                          [[maybe_unused]] float* scratch)

#define SHARED_ARRAY(Type, name, count) static Type name[count]  // blocks run one after another
#define BARRIER() HostThread::meet_block()
#define WARP_BARRIER() HostThread::meet_warp()

INLINE float to_float(Half h) { return WINNOW_HOST_FP16 ? from_fp16(h.bits) : from_bf16(h.bits); }
INLINE Half to_half(float v) { return Half{WINNOW_HOST_FP16 ? fp16_bits(v) : bf16_bits(v)}; }

INLINE float exchange(float value, uint32_t mask) { return HostThread::exchange(value, mask); }

INLINE float fast_exp2(float v) { return std::exp2(v); }
INLINE float fast_log2(float v) { return std::log2(v); }
INLINE float fast_divide(float a, float b) { return a / b; }
INLINE float fast_rsqrt(float v) { return 1.0f / std::sqrt(v); }
INLINE float exact_exp(float v) { return std::exp(v); }
INLINE float exact_log(float v) { return std::log(v); }
INLINE float fused(float a, float b, float c) { return a * b + c; }

// Every thread has a copy of the factors, and the eight sums whose offsets begin at eight times its lane.
struct Sums {
  float at[8];
};
struct Left {
  float at[16][16];
};
struct Right {
  float at[16][16];
};

INLINE void clear_tile(Sums& sums) { sums = Sums(); }
INLINE void load_tile(Left& tile, const Half* rows, uint32_t pitch, uint32_t) {
  for (int i = 0; i < 16; ++i)
    for (int k = 0; k < 16; ++k) tile.at[i][k] = to_float(rows[i * pitch + k]);
}
INLINE void load_tile(Right& tile, const Half* rows, uint32_t pitch, uint32_t) {
  for (int i = 0; i < 16; ++i)
    for (int k = 0; k < 16; ++k) tile.at[i][k] = to_float(rows[i * pitch + k]);
}
INLINE void multiply_tiles(Sums& sums, const Left& left, const Right& right, uint32_t thread_id) {
  const uint32_t lane = thread_id % 32;
  for (uint32_t i = 0; i < 8; ++i)
    for (int k = 0; k < 16; ++k) sums.at[i] += left.at[lane / 2][k] * right.at[lane % 2 * 8 + i][k];
}
INLINE void store_tile(float* rows, const Sums& sums, uint32_t pitch, uint32_t thread_id) {
  const uint32_t lane = thread_id % 32;
  for (uint32_t i = 0; i < 8; ++i) rows[lane / 2 * pitch + lane % 2 * 8 + i] = sums.at[i];
}

}  // namespace gpu
}  // namespace winnow
