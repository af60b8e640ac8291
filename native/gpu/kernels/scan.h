// The selective scan (Mamba, arXiv 2312.00752, section 3.3; Vim, arXiv 2401.09417, algorithm 1) and the
// convolution before it, both directions of all images in one launch. An image's direction that does not run
// costs nothing but its blocks' first lines.
#pragma once

#include "gpu/kernels/dialect.h"

namespace winnow {
namespace gpu {

// u = SiLU(causal convolution of x), in each direction's own order of time, kept at the tokens' indices. A
// thread has a channel and kConvolutionTokens tokens; blocks are (channels, tokens, images).
template <int K>
INLINE void convolve(CONSTANT const ConvolveSequences& a, uint3 block, uint32_t thread_id, uint32_t threads) {
  const int e = int(block.x * threads + thread_id), image = int(block.z);
  const int directions = a.directions[image];
  if (e >= a.inner || directions == 0) return;
  const int begin = int(block.y) * kConvolutionTokens;
  const int end = begin + kConvolutionTokens < a.tokens ? begin + kConvolutionTokens : a.tokens;
  DEVICE const Half* x = a.xz + int64_t(image) * a.tokens * 2 * a.inner + e;
  DEVICE Half* forward = a.u + int64_t(image) * a.tokens * a.inner + e;
  DEVICE Half* backward = forward + int64_t(a.images) * a.tokens * a.inner;
  float weight[2][K], window[2 * K - 1];  // of the tokens around the present one
  UNROLL for (int k = 0; k < K; ++k) {
    weight[0][k] = a.weight[k * a.inner + e];
    weight[1][k] = a.weight[(K + k) * a.inner + e];
  }
  const float bias[2] = {a.bias[e], a.bias[a.inner + e]};
  UNROLL for (int k = 1; k < 2 * K - 1; ++k) {
    const int token = begin - K + k;
    window[k] = token >= 0 && token < a.tokens ? to_float(x[int64_t(token) * 2 * a.inner]) : 0.0f;
  }
  for (int token = begin; token < end; ++token) {
    UNROLL for (int k = 0; k < 2 * K - 2; ++k) window[k] = window[k + 1];
    const int last = token + K - 1;
    window[2 * K - 2] = last < a.tokens ? to_float(x[int64_t(last) * 2 * a.inner]) : 0.0f;
    float sums[2] = {bias[0], bias[1]};
    UNROLL for (int k = 0; k < K; ++k) {
      sums[0] = fused(weight[0][k], window[k], sums[0]);
      sums[1] = fused(weight[1][k], window[2 * K - 2 - k], sums[1]);
    }
    if (directions & 1) forward[int64_t(token) * a.inner] = to_half(silu(sums[0]));
    if (directions & 2) backward[int64_t(token) * a.inner] = to_half(silu(sums[1]));
  }
}

KERNEL(convolve_sequences_2, ConvolveSequences) { convolve<2>(a, block, thread_id, threads); }
KERNEL(convolve_sequences_3, ConvolveSequences) { convolve<3>(a, block, thread_id, threads); }
KERNEL(convolve_sequences_4, ConvolveSequences) { convolve<4>(a, block, thread_id, threads); }

// delta = softplus(dt dt_weight^T + dt_bias); h = exp(delta A) h + delta B u; y = C h + D u; the sum of both
// directions, gated: y SiLU(z). A block has channels = threads / 2 channels of an image: its first half of
// threads scans forward, the other backward, so that they meet in the middle. Up to there each leaves its y
// in `partial` [L, pitch], whose columns are the block's channels; behind it each adds what the other has
// left and is done with that token. Blocks are (channels, images).
//
// `shared` [2, 8, R + 2S] holds a chunk of both directions: per direction dt [R, 8], then per step B [S], C
// [S]. S is the number of states that a thread keeps, N of which exist: the others stay 0.
template <int S, typename Partial>
INLINE void scan(CONSTANT const ScanSequences& a, uint3 block, uint32_t thread_id, uint32_t threads,
                 SHARED float* shared, Partial partial, int pitch) {
  const int channels = int(threads / 2), image = int(block.y);
  const int side = int(thread_id) / channels, lane = int(thread_id) % channels;
  const int e = int(block.x) * channels + lane, tokens = a.tokens;
  const int ran = a.directions[image];
  const int64_t first_row = int64_t(image) * tokens;
  DEVICE Half* y = a.y + first_row * a.inner + e;
  const bool exists = e < a.inner;
  if (ran == 0) {
    for (int row = side; row < tokens && exists; row += 2) y[int64_t(row) * a.inner] = to_half(0.0f);
    return;
  }
  const bool alone = ran != 3, runs = ((ran >> side) & 1) != 0, works = runs && exists;
  const int64_t row_of_side = side * int64_t(a.images) * tokens + first_row;
  DEVICE const Half* u = a.u + row_of_side * a.inner + e;
  DEVICE const Half* z = a.xz + (first_row * 2 + 1) * a.inner + e;
  const int width = a.rank + 2 * a.states;
  DEVICE const float* projected = a.projected + row_of_side * width;
  SHARED float* dt = shared + side * kScanSteps * (a.rank + 2 * S);
  SHARED float* matrices = dt + kScanSteps * a.rank;  // B and C of step s at 2 S s

  float decay[S], state[S], skip = 0.0f, dt_bias = 0.0f;
  UNROLL for (int n = 0; n < S; ++n) {
    decay[n] = works && n < a.states ? a.a[(side * a.states + n) * a.inner + e] : 0.0f;
    state[n] = 0.0f;
  }
  DEVICE const float* dt_weight = a.dt_weight + side * a.rank * a.inner + e;
  if (works) {
    skip = a.d[side * a.inner + e];
    dt_bias = a.dt_bias[side * a.inner + e];
  }

  // The forward side has the middle token of an odd count in its first half.
  const int longer = (tokens + 1) / 2, chunks = (longer + kScanSteps - 1) / kScanSteps;
  const int middle = side == 0 ? longer : tokens - longer;
  for (int chunk = 0; chunk < 2 * chunks; ++chunk) {
    const bool ends = chunk >= chunks;  // behind the middle
    const int begin = ends ? middle + (chunk - chunks) * kScanSteps : chunk * kScanSteps;
    const int end = ends ? tokens : middle;
    const int steps = end - begin < kScanSteps ? end - begin : kScanSteps;  // none or fewer than none, too
    BARRIER();
    if (runs) {
      for (int step = lane / 32; step < steps; step += channels / 32) {
        const int token = side == 0 ? begin + step : tokens - 1 - begin - step;
        DEVICE const float* row = projected + int64_t(token) * width;
        for (int r = lane % 32; r < a.rank; r += 32) dt[r * kScanSteps + step] = row[r];
        for (int n = lane % 32; n < 2 * a.states; n += 32)
          matrices[(n < a.states ? n : n - a.states + S) + step * 2 * S] = row[a.rank + n];
      }
      if (a.states < S)
        for (int i = lane; i < steps * 2 * (S - a.states); i += channels)
          matrices[i / (S - a.states) * S + a.states + i % (S - a.states)] = 0.0f;
    }
    BARRIER();
    if (!works || steps <= 0) continue;
    float delta[kScanSteps], inputs[kScanSteps], gates[kScanSteps];
    UNROLL for (int s = 0; s < kScanSteps; ++s) {
      const int token = side == 0 ? begin + s : tokens - 1 - begin - s;
      delta[s] = dt_bias;
      inputs[s] = s < steps ? to_float(u[int64_t(token) * a.inner]) : 0.0f;
      gates[s] = s < steps && (ends || alone) ? to_float(z[int64_t(token) * 2 * a.inner]) : 0.0f;
    }
    for (int r = 0; r < a.rank; ++r) {
      const float weight = dt_weight[r * a.inner];
      UNROLL for (int s = 0; s < kScanSteps; s += 4) {
        const Four values = load_four(dt + r * kScanSteps + s);
        UNROLL for (int i = 0; i < 4; ++i) delta[s + i] = fused(values.at[i], weight, delta[s + i]);
      }
    }
    UNROLL for (int s = 0; s < kScanSteps; ++s) {
      if (s >= steps) break;
      const float step = softplus(delta[s]), input = step * inputs[s];
      float sums[2] = {skip * inputs[s], 0.0f};  // two, so that one does not wait for the other
      UNROLL for (int n = 0; n < S; n += 4) {
        const Four b = load_four(matrices + s * 2 * S + n), c = load_four(matrices + s * 2 * S + S + n);
        UNROLL for (int i = 0; i < 4; ++i) {
          state[n + i] = fused(fast_exp2(step * decay[n + i]), state[n + i], input * b.at[i]);
          sums[i % 2] = fused(state[n + i], c.at[i], sums[i % 2]);
        }
      }
      float sum = sums[0] + sums[1];
      const int token = side == 0 ? begin + s : tokens - 1 - begin - s;
      if (!ends && !alone) {
        partial[int64_t(token) * pitch + lane] = sum;
      } else {
        if (!alone) sum += partial[int64_t(token) * pitch + lane];
        y[int64_t(token) * a.inner] = to_half(sum * silu(gates[s]));
      }
    }
  }
}

// Shared memory of the launch: 2 x 8 x (R + 2S) floats, then [L, channels] of the sequences that fit there.
#define SCAN_KERNELS(S)                                                                            \
  KERNEL_OF(scan_sequences_##S, ScanSequences, 128) {                                              \
    scan<S>(a, block, thread_id, threads, scratch, scratch + 2 * kScanSteps * (a.rank + 2 * S),    \
            int(threads / 2));                                                                     \
  }                                                                                                \
  KERNEL_OF(scan_long_sequences_##S, ScanSequences, 128) {                                         \
    scan<S>(a, block, thread_id, threads, scratch,                                                 \
            a.partial + int64_t(block.y) * a.tokens * a.inner + block.x * (threads / 2), a.inner); \
  }
SCAN_KERNELS(8)
SCAN_KERNELS(16)
SCAN_KERNELS(32)
#undef SCAN_KERNELS

}  // namespace gpu
}  // namespace winnow
