// The kernels' dialect in CUDA C++; what each word means is said in gpu/kernels/dialect.h. bf16 from sm_80
// on, fp16 before.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <mma.h>
#include <stdint.h>

#define DEVICE
#define SHARED
#define PRIVATE
#define CONSTANT
#define INLINE static __device__ __forceinline__
#define UNROLL _Pragma("unroll")

#include "gpu/kernels/arguments.h"

namespace winnow {
namespace gpu {

// A kernel's body knows: a, its arguments; block, its index among the blocks; thread_id, its index in the
// block; threads, of the block; scratch, the block's shared memory of the launch.
#define KERNEL_OF(name, Arguments, largest)                                                               \
  static __device__ __forceinline__ void name##_body(const Arguments& a, uint3 block, unsigned thread_id, \
                                                     unsigned threads, float* scratch);                   \
  extern "C" __global__ void __launch_bounds__(largest) name(const __grid_constant__ Arguments a) {       \
    extern __shared__ float4 shared_of_launch[];                                                          \
    name##_body(a, blockIdx, threadIdx.x, blockDim.x, reinterpret_cast<float*>(shared_of_launch));        \
  }                                                                                                       \
  static __device__ __forceinline__ void name##_body(const Arguments& a, uint3 block, unsigned thread_id, \
                                                     unsigned threads, float* scratch)

#define SHARED_ARRAY(Type, name, count) __shared__ Type name[count]
#define BARRIER() __syncthreads()
#define WARP_BARRIER() __syncwarp()

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
typedef __half NativeHalf;
INLINE float to_float(Half h) { return __half2float(__ushort_as_half(h.bits)); }
INLINE Half to_half(float v) { return Half{__half_as_ushort(__float2half_rn(v))}; }
#else
typedef __nv_bfloat16 NativeHalf;
INLINE float to_float(Half h) { return __uint_as_float(static_cast<unsigned>(h.bits) << 16); }
INLINE Half to_half(float v) { return Half{__bfloat16_as_ushort(__float2bfloat16_rn(v))}; }
#endif

INLINE float exchange(float value, unsigned mask) { return __shfl_xor_sync(0xffffffffu, value, mask); }

INLINE float fast_exp2(float v) {
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(v));
  return result;
}
INLINE float fast_log2(float v) { return __log2f(v); }
INLINE float fast_divide(float a, float b) { return __fdividef(a, b); }
INLINE float fast_rsqrt(float v) { return rsqrtf(v); }
INLINE float exact_exp(float v) { return expf(v); }
INLINE float exact_log(float v) { return logf(v); }
INLINE float fused(float a, float b, float c) { return fmaf(a, b, c); }

typedef nvcuda::wmma::fragment<nvcuda::wmma::accumulator, 16, 16, 16, float> Sums;
typedef nvcuda::wmma::fragment<nvcuda::wmma::matrix_a, 16, 16, 16, NativeHalf, nvcuda::wmma::row_major> Left;
typedef nvcuda::wmma::fragment<nvcuda::wmma::matrix_b, 16, 16, 16, NativeHalf, nvcuda::wmma::col_major> Right;

INLINE void clear_tile(Sums& sums) { nvcuda::wmma::fill_fragment(sums, 0.0f); }
INLINE void load_tile(Left& tile, const Half* rows, unsigned pitch, unsigned) {
  nvcuda::wmma::load_matrix_sync(tile, reinterpret_cast<const NativeHalf*>(rows), pitch);
}
INLINE void load_tile(Right& tile, const Half* rows, unsigned pitch, unsigned) {
  nvcuda::wmma::load_matrix_sync(tile, reinterpret_cast<const NativeHalf*>(rows), pitch);
}
INLINE void multiply_tiles(Sums& sums, const Left& left, const Right& right, unsigned) {
  nvcuda::wmma::mma_sync(sums, left, right, sums);
}
INLINE void store_tile(float* rows, const Sums& sums, unsigned pitch, unsigned) {
  nvcuda::wmma::store_matrix_sync(rows, sums, pitch, nvcuda::wmma::mem_row_major);
}

}  // namespace gpu
}  // namespace winnow
