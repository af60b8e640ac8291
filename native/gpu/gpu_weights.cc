#include "gpu/gpu_weights.h"

#include <cmath>
#include <numbers>

namespace winnow::gpu {
namespace {

void hold_halves(Gpu& gpu, Buffer<Half>& buffer, const float* values, std::size_t count) {
  buffer.hold(halves(gpu.info(), values, count));
}

// values [rows, columns] of both directions, as [2, columns, rows].
template <typename Change>
std::vector<float> transposed(const float* forward, const float* backward, int rows, int columns,
                              Change change) {
  std::vector<float> result;
  result.reserve(2ull * rows * columns);
  for (const float* values : {forward, backward})
    for (int column = 0; column < columns; ++column)
      for (int row = 0; row < rows; ++row)
        result.push_back(change(values[static_cast<std::size_t>(row) * columns + column]));
  return result;
}

std::vector<float> joined(const float* forward, const float* backward, std::size_t count) {
  std::vector<float> result(forward, forward + count);
  result.insert(result.end(), backward, backward + count);
  return result;
}

float same(float value) { return value; }

}  // namespace

GpuLinear::GpuLinear(Gpu& gpu, const float* weights, const float* biases, int outputs_, int inputs_)
    : weight(gpu), bias(gpu) {
  outputs = outputs_;
  inputs = inputs_;
  hold_halves(gpu, weight, weights, static_cast<std::size_t>(outputs) * inputs);
  bias.hold(biases, outputs);
}

GpuBlock::GpuBlock(Gpu& gpu, const BlockWeights& w)
    : sizes(w),
      norm(gpu),
      gate(gpu),
      gate_bias(gpu),
      in_proj(gpu),
      out_proj(gpu),
      x_proj(gpu),
      conv_weight(gpu),
      conv_bias(gpu),
      a(gpu),
      dt_weight(gpu),
      dt_bias(gpu),
      d(gpu) {
  const int dim = w.embed_dim, inner = w.inner_dim, states = w.state_dim, rank = w.dt_rank;
  const ScanWeights &f = w.forward, &b = w.backward;
  norm.hold(w.norm, dim);
  gate.hold(w.gate, 2ull * dim);
  gate_bias.hold(w.gate == nullptr ? nullptr : w.gate_bias, 2);
  hold_halves(gpu, in_proj, w.in_proj, 2ull * inner * dim);
  hold_halves(gpu, out_proj, w.out_proj, 1ull * inner * dim);
  const std::vector<float> projections =
      joined(f.x_proj, b.x_proj, static_cast<std::size_t>(rank + 2 * states) * inner);
  hold_halves(gpu, x_proj, projections.data(), projections.size());
  conv_weight.hold(transposed(f.conv_weight, b.conv_weight, inner, w.conv_width, same));
  conv_bias.hold(joined(f.conv_bias, b.conv_bias, inner));
  a.hold(transposed(f.a_log, b.a_log, inner, states,
                    [](float value) { return -std::exp(value) * std::numbers::log2e_v<float>; }));
  dt_weight.hold(transposed(f.dt_weight, b.dt_weight, inner, rank, same));
  dt_bias.hold(joined(f.dt_bias, b.dt_bias, inner));
  d.hold(joined(f.d, b.d, inner));
}

GpuPatchEmbedding::GpuPatchEmbedding(Gpu& gpu, const PatchEmbeddingWeights& w)
    : sizes(w), weight(gpu), bias(gpu), special(gpu), position(gpu) {
  hold_halves(gpu, weight, w.weight, 3ull * w.embed_dim * w.patch_size * w.patch_size);
  bias.hold(w.bias, w.embed_dim);
  special.hold(w.special, 1ull * w.special_tokens.count * w.embed_dim);
  position.hold(w.position, 1ull * w.grid() * w.grid() * w.embed_dim);
}

}  // namespace winnow::gpu
