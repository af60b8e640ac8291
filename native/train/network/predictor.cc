#include "train/network/predictor.h"

#include <algorithm>
#include <cmath>

namespace winnow::train {

void PredictorMemory::reserve(const DyvmConfig& c) {
  const std::size_t patches = c.patches(), dim = c.embed_dim;
  struct Piece {
    float** place;
    std::size_t width;
  };
  const Piece pieces[] = {{&normed, dim},
                          {&before, dim},
                          {&features, dim},
                          {&joined, dim},
                          {&half_before, dim / 2},
                          {&half, dim / 2},
                          {&quarter_before, dim / 4},
                          {&quarter, dim / 4},
                          {&pairs, 2},
                          {&d_joined, dim},
                          {&d_features, dim},
                          {&d_rows, dim},
                          {&d_half, dim / 2},
                          {&d_quarter, dim / 4},
                          {&d_pairs, 2},
                          {&d_policy, 1}};
  std::size_t total = 0;
  for (const Piece& piece : pieces) total += piece.width * patches;
  if (memory_.size() < total) memory_.assign(total, 0.0f);
  float* next = memory_.data();
  for (const Piece& piece : pieces) {
    *piece.place = next;
    next += piece.width * patches;
  }
}

void TrainedPredictor::features(const float* w, const float* from, int rows, int kept,
                                PredictorMemory& m) const {
  const int dim = c_.embed_dim, local = dim / 2, pooled = dim - local;
  ops_.layer_norm(rows, dim, from, w + offsets_.norm_weight, w + offsets_.norm_bias, m.normed);
  ops_.linear({rows, dim, dim, dim}, m.normed, w + offsets_.in.weight, w + offsets_.in.bias, false, m.before);
  ops_.gelu(static_cast<std::size_t>(rows) * dim, m.before, m.features);
  std::vector<double> sums(pooled, 0.0);
  for (int t = 0; t < kept; ++t)
    for (int q = 0; q < pooled; ++q) sums[q] += m.features[static_cast<std::size_t>(t) * dim + local + q];
  for (int t = 0; t < rows; ++t) {
    float* row = m.joined + static_cast<std::size_t>(t) * dim;
    std::copy_n(m.features + static_cast<std::size_t>(t) * dim, local, row);
    for (int q = 0; q < pooled; ++q) row[local + q] = static_cast<float>(sums[q] / (kept + 1));
  }
}

void TrainedPredictor::score(const float* w, int rows, PredictorMemory& m) const {
  const int dim = c_.embed_dim, half = dim / 2, quarter = dim / 4;
  ops_.linear({rows, dim, half, dim}, m.joined, w + offsets_.out0.weight, w + offsets_.out0.bias, false,
              m.half_before);
  ops_.gelu(static_cast<std::size_t>(rows) * half, m.half_before, m.half);
  ops_.linear({rows, half, quarter, half}, m.half, w + offsets_.out2.weight, w + offsets_.out2.bias, false,
              m.quarter_before);
  ops_.gelu(static_cast<std::size_t>(rows) * quarter, m.quarter_before, m.quarter);
  ops_.linear({rows, quarter, 2, quarter}, m.quarter, w + offsets_.out4.weight, w + offsets_.out4.bias, false,
              m.pairs);
}

void TrainedPredictor::decide(const float* weights, const float* rows, int kept, const float* noise,
                              const TokenDecisions& decisions, PredictorMemory& m) const {
  const int patches = c_.patches();
  features(weights, rows, patches, kept, m);
  score(weights, patches, m);
  for (int t = 0; t < patches; ++t) {
    // The Gumbel draws are -log e; the log softmax before them shifts both logits alike.
    const double margin = static_cast<double>(m.pairs[2 * t]) - m.pairs[2 * t + 1] +
                          std::log(noise[2 * t + 1]) - std::log(noise[2 * t]);
    decisions.hard[t] = margin >= 0.0 ? 1 : 0;
    decisions.probability[t] = static_cast<float>(1.0 / (1.0 + std::exp(-margin)));
  }
}

void TrainedPredictor::gradient(const float* w, const float* rows, int kept, const TokenDecisions& decisions,
                                const float* d_policy, float* d_before, float* d_weights,
                                PredictorMemory& m) const {
  const int dim = c_.embed_dim, half = dim / 2, quarter = dim / 4, patches = c_.patches(), local = half,
            pooled = dim - half;
  // policy = decision times the policy before.
  for (int t = 0; t < patches; ++t) d_before[t] = d_policy[t] * static_cast<float>(decisions.hard[t]);
  if (kept == 0) return;
  // What dropped patches would do to the pooled features is part of d_before.
  features(w, rows, patches, kept, m);
  score(w, kept, m);
  for (int t = 0; t < kept; ++t) {
    const float p = decisions.probability[t], d = d_policy[t] * p * (1.0f - p);
    m.d_pairs[2 * t] = d;
    m.d_pairs[2 * t + 1] = -d;
  }
  const auto count = [&](int width) { return static_cast<std::size_t>(kept) * width; };
  const auto back = [&](const PredictorOffsets::Layer& layer, int outputs, int inputs, const float* d_out,
                        const float* x, float* d_x) {
    const LinearShape shape{kept, inputs, outputs, inputs};
    ops_.linear_weight_gradient(shape, d_out, x, d_weights + layer.weight, d_weights + layer.bias);
    ops_.linear_input_gradient(shape, d_out, w + layer.weight, false, d_x);
  };
  back(offsets_.out4, 2, quarter, m.d_pairs, m.quarter, m.d_quarter);
  ops_.gelu_gradient(count(quarter), m.quarter_before, m.d_quarter, m.d_quarter);
  back(offsets_.out2, quarter, half, m.d_quarter, m.half, m.d_half);
  ops_.gelu_gradient(count(half), m.half_before, m.d_half, m.d_half);
  back(offsets_.out0, half, dim, m.d_half, m.joined, m.d_joined);

  std::vector<double> d_sum(pooled, 0.0);
  for (int t = 0; t < kept; ++t)
    for (int q = 0; q < pooled; ++q) d_sum[q] += m.d_joined[static_cast<std::size_t>(t) * dim + local + q];
  for (double& d : d_sum) d /= kept + 1;
  const float* mean = m.joined + local;
  for (int t = 0; t < patches; ++t) {
    const float* row = m.features + static_cast<std::size_t>(t) * dim + local;
    double sum = 0.0;
    for (int q = 0; q < pooled; ++q) sum += d_sum[q] * (row[q] - mean[q]);
    d_before[t] += static_cast<float>(sum);
  }
  for (int t = 0; t < kept; ++t) {
    float* row = m.d_features + static_cast<std::size_t>(t) * dim;
    std::copy_n(m.d_joined + static_cast<std::size_t>(t) * dim, local, row);
    for (int q = 0; q < pooled; ++q) row[local + q] = static_cast<float>(d_sum[q]);
  }
  ops_.gelu_gradient(count(dim), m.before, m.d_features, m.d_features);
  back(offsets_.in, dim, dim, m.d_features, m.normed, m.d_joined);
  std::fill_n(m.d_rows, count(dim), 0.0f);
  ops_.layer_norm_gradient(kept, dim, rows, w + offsets_.norm_weight, m.d_joined, m.d_rows,
                           d_weights + offsets_.norm_weight, d_weights + offsets_.norm_bias);
}

}  // namespace winnow::train
