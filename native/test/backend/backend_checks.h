// What the tests of several backends share: random numbers, how far results are apart, and a block with what
// it did.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "ops/backend.h"

namespace winnow {

inline std::vector<float> random_values(std::size_t count, double deviation, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> values(0.0f, static_cast<float>(deviation));
  std::vector<float> out(count);
  for (float& value : out) value = values(random);
  return out;
}

// Largest difference, relative to the largest expected value.
inline double difference(const std::vector<float>& expected, const std::vector<float>& actual) {
  REQUIRE(expected.size() == actual.size());
  double largest = 1e-30, difference = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    REQUIRE(std::isfinite(actual[i]));
    largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
    difference = std::max(difference, std::abs(static_cast<double>(expected[i]) - actual[i]));
  }
  return difference / largest;
}

// Random parameters of one block, alive as long as it.
struct RandomBlock {
  RandomBlock(int dim, int states, int rank, bool gated, float gate_bias, unsigned seed)
      : inner(2 * dim), rank_(rank), states_(states) {
    const auto values = [&](std::size_t count, double deviation) -> const float* {
      storage.push_back(random_values(count, deviation, seed++));
      return storage.back().data();
    };
    storage.reserve(32);
    weights = {.embed_dim = dim,
               .inner_dim = inner,
               .state_dim = states,
               .dt_rank = rank,
               .conv_width = 4,
               .norm = values(dim, 1.0),
               .in_proj = values(2ull * inner * dim, 1.0 / std::sqrt(dim)),
               .out_proj = values(1ull * inner * dim, 1.0 / std::sqrt(inner)),
               .gate = gated ? values(2ull * dim, 0.5) : nullptr,
               .gate_bias = nullptr,
               .forward = {},
               .backward = {},
               .norm_epsilon = 1e-5f,
               .output_scale = 0.5f};
    storage.push_back({gate_bias, gate_bias});
    weights.gate_bias = storage.back().data();
    weights.forward = direction(values);
    weights.backward = direction(values);
  }
  template <typename Values>
  ScanWeights direction(Values values) const {
    return {values(4ull * inner, 0.5),
            values(inner, 0.1),
            values(static_cast<std::size_t>(rank_ + 2 * states_) * inner, 1.0 / std::sqrt(inner)),
            values(1ull * inner * rank_, 1.0),
            values(inner, 2.0),
            values(1ull * inner * states_, 1.5),
            values(inner, 1.0)};
  }
  BlockWeights weights;
  std::vector<std::vector<float>> storage;
  int inner, rank_, states_;
};

struct BlockRun {
  std::vector<float> stream, gate_logits, added;
  std::vector<std::uint8_t> directions;
};

inline BlockRun run_block(Backend& backend, const BlockWeights& weights, int images, int tokens,
                          const SpecialTokens& special, float threshold) {
  auto block = backend.make_block(weights);
  REQUIRE(block);
  BlockRun run{random_values(static_cast<std::size_t>(images) * tokens * weights.embed_dim, 1.0, 7),
               std::vector<float>(2 * images),
               std::vector<float>(static_cast<std::size_t>(images) * tokens * weights.embed_dim, 9.0f),
               std::vector<std::uint8_t>(images, 255)};
  backend.run_block(**block, special, threshold, {run.stream.data(), {images, tokens, weights.embed_dim}},
                    {run.directions.data(), {images}}, {run.gate_logits.data(), {images, 2}},
                    {run.added.data(), {images, tokens, weights.embed_dim}});
  return run;
}

// A class token in the middle of so many tokens, and MambaReg's registers between them.
inline std::vector<SpecialTokens> special_tokens_of(int tokens) {
  std::vector<SpecialTokens> all = {SpecialTokens::class_token((tokens - 1) / 2), SpecialTokens::none()};
  for (int registers : {1, 2, 12})
    if (registers <= tokens) all.push_back(SpecialTokens::registers(registers, tokens - registers));
  return all;
}

}  // namespace winnow
