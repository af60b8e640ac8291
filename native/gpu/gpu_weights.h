// Weights in the device's own form.
#pragma once

#include "gpu/gpu.h"
#include "ops/backend.h"

namespace winnow::gpu {

struct GpuLinear : Linear {
  GpuLinear(Gpu& gpu, const float* weights, const float* biases, int outputs, int inputs);

  Buffer<Half> weight;  // [out, in]
  Buffer<float> bias;   // [out], or empty
};

struct GpuBlock : Block {
  // w.state_dim of at most 32, w.conv_width of 2 to 4.
  GpuBlock(Gpu& gpu, const BlockWeights& w);

  BlockWeights sizes;  // only its numbers; the pointers are not kept alive
  Buffer<float> norm, gate, gate_bias;
  Buffer<Half> in_proj, out_proj, x_proj;  // x_proj [2, R + 2N, E], of both directions
  Buffer<float> conv_weight, conv_bias, a, dt_weight, dt_bias, d;  // as gpu/kernels/arguments.h has them
};

struct GpuPatchEmbedding : PatchEmbedding {
  GpuPatchEmbedding(Gpu& gpu, const PatchEmbeddingWeights& w);

  PatchEmbeddingWeights sizes;  // only its numbers
  Buffer<Half> weight;          // [D, 3 P P]
  Buffer<float> bias, special, position;
};

}  // namespace winnow::gpu
