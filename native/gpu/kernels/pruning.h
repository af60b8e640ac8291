// What is decided for each image: which scan directions run, and which patches stay. All in fp32.
#pragma once

#include "gpu/kernels/dialect.h"

namespace winnow {
namespace gpu {

// The sum over the block's threads, for all of them; partial [8] is shared memory.
INLINE float block_sum(float value, SHARED float* partial, uint32_t thread_id, uint32_t threads) {
  const float sum = warp_sum(value);
  BARRIER();  // the sum before this one has been read
  if (thread_id % 32 == 0) partial[thread_id / 32] = sum;
  BARRIER();
  float total = 0.0f;
  for (uint32_t warp = 0; warp < threads / 32; ++warp) total += partial[warp];
  return total;
}

// A block for an image: m = mean of RMSNorm(stream) over the special tokens, or over all where there are
// none; direction i runs where sigmoid(gate_i . m + bias_i) > threshold (DyVM, arXiv 2504.04787, block
// selection).
KERNEL(decide_directions, DecideDirections) {
  SHARED_ARRAY(float, partial, 8);
  const uint32_t image = block.x;
  if (a.gate == nullptr) {
    if (thread_id == 0) a.directions[image] = 3;
    return;
  }
  const int count = a.special.count > 0 ? a.special.count : a.tokens;
  float logits[2] = {0.0f, 0.0f};  // this thread's share
  for (int i = 0; i < count; ++i) {
    const int row = a.special.count > 0 ? a.special.first + i * a.special.step : i;
    DEVICE const float* values = a.stream + (int64_t(image) * a.tokens + row) * a.dim;
    float sum = 0.0f, first = 0.0f, second = 0.0f;
    for (int d = int(thread_id); d < a.dim; d += int(threads)) {
      const float v = values[d];
      sum = fused(v, v, sum);
      first = fused(v * a.norm[d], a.gate[d], first);
      second = fused(v * a.norm[d], a.gate[a.dim + d], second);
    }
    const float squares = block_sum(sum, partial, thread_id, threads);
    const float scale = 1.0f / sqrt(squares / float(a.dim) + a.epsilon);
    logits[0] = fused(first, scale, logits[0]);
    logits[1] = fused(second, scale, logits[1]);
  }
  uint8_t directions = 0;
  for (int i = 0; i < 2; ++i) {
    const float logit = block_sum(logits[i], partial, thread_id, threads) / float(count) + a.bias[i];
    if (a.logits != nullptr && thread_id == 0) a.logits[image * 2 + i] = logit;
    if (1.0f / (1.0f + exact_exp(-logit)) > a.threshold) directions |= uint8_t(1 << i);
  }
  if (thread_id == 0) a.directions[image] = directions;
}

// A block for 32 columns of an image, a warp for every eighth row: the columns' sums over all rows.
KERNEL(pool_second_half, PoolSecondHalf) {
  SHARED_ARRAY(float, partial, 256);
  const int middle = a.dim / 2, lane = int(thread_id % 32), warp = int(thread_id / 32),
            warps = int(threads / 32);
  const int d = middle + int(block.x) * 32 + lane;
  DEVICE float* column = a.x + int64_t(block.y) * a.rows * a.dim + d;
  float sum = 0.0f;
  if (d < a.dim)
    for (int i = warp; i < a.rows; i += warps) sum += column[int64_t(i) * a.dim];
  partial[thread_id] = sum;
  BARRIER();
  sum = 0.0f;
  for (int i = 0; i < warps; ++i) sum += partial[i * 32 + lane];
  if (d < a.dim)
    for (int i = warp; i < a.rows; i += warps) column[int64_t(i) * a.dim] = sum / float(a.rows + 1);
}

// ops/keep_best.h
KERNEL(keep_scores, KeepScores) {
  const int i = int(block.x * threads + thread_id);
  if (i >= a.count) return;
  const float keep = a.pairs[2 * i], drop = a.pairs[2 * i + 1];
  const float largest = keep > drop ? keep : drop;
  a.scores[i] = keep - largest - exact_log(exact_exp(keep - largest) + exact_exp(drop - largest));
}

// A block for an image; `scratch` holds n scores. A patch stays where fewer than k are better than it; of
// equal ones the earlier is better.
KERNEL(keep_best, KeepBest) {
  const int first = int(thread_id), step = int(threads);
  DEVICE const float* scores = a.scores + int64_t(block.x) * a.patches;
  for (int i = first; i < a.patches; i += step) scratch[i] = scores[i];
  BARRIER();
  uint32_t stays = 0;  // of this thread's patches, as bits
  for (int i = first, own = 0; i < a.patches; i += step, ++own) {
    int better = 0;
    for (int j = 0; j < a.patches; ++j)
      better += scratch[j] > scratch[i] || (scratch[j] == scratch[i] && j < i) ? 1 : 0;
    if (better < a.keep) stays |= 1u << own;
  }
  BARRIER();
  for (int i = first, own = 0; i < a.patches; i += step, ++own) scratch[i] = float(stays >> own & 1);
  BARRIER();
  for (int i = first; i < a.patches; i += step) {
    if (scratch[i] == 0.0f) continue;
    int rank = 0;
    for (int j = 0; j < i; ++j) rank += int(scratch[j]);
    a.kept[int64_t(block.x) * a.keep + rank] = i;
  }
}

}  // namespace gpu
}  // namespace winnow
