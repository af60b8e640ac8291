// The scans as attention: against impulses that are sent through the scan one by one, and in a whole model.
#include "reference/hidden_attention.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>

#include "engine/engine.h"
#include "reference/formulas.h"

using namespace winnow;

namespace {

constexpr int kDim = 6, kInner = 12, kStates = 3, kRank = 2, kWidth = 4, kTokens = 9;
const std::string kPackage = std::string(WINNOW_GOLDEN_DIR) + "/../models/everyday10.safetensors";

std::vector<float> drawn(int count, float scale, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = scale * (static_cast<float>(random() % 2001) / 1000.0f - 1.0f);
  return values;
}

struct Scan {
  explicit Scan(unsigned seed)
      : conv_weight(drawn(kInner * kWidth, 0.8f, seed)),
        conv_bias(drawn(kInner, 0.3f, seed + 1)),
        x_proj(drawn((kRank + 2 * kStates) * kInner, 0.6f, seed + 2)),
        dt_weight(drawn(kInner * kRank, 0.9f, seed + 3)),
        dt_bias(drawn(kInner, 0.5f, seed + 4)),
        a_log(drawn(kInner * kStates, 0.7f, seed + 5)),
        d(drawn(kInner, 1.0f, seed + 6)) {}
  ScanWeights view() const {
    return {conv_weight.data(), conv_bias.data(), x_proj.data(), dt_weight.data(),
            dt_bias.data(),     a_log.data(),     d.data()};
  }
  std::vector<float> conv_weight, conv_bias, x_proj, dt_weight, dt_bias, a_log, d;
};

// x [tokens in the order of the steps][E] -> attention of step t to each step: a unit of input at one step
// and in one channel, all else 0, is what the scan's output at t is then.
std::vector<double> by_impulses(const Scan& w, const std::vector<std::vector<double>>& x, int t) {
  std::vector<std::vector<float>> projected(kTokens, std::vector<float>(kRank + 2 * kStates));
  for (int s = 0; s < kTokens; ++s)
    for (int r = 0; r < kRank + 2 * kStates; ++r) {
      double sum = 0.0;
      for (int e = 0; e < kInner; ++e) {
        double u = w.conv_bias[e];
        for (int k = 0; k < kWidth; ++k)
          if (s - kWidth + 1 + k >= 0) u += w.conv_weight[e * kWidth + k] * x[s - kWidth + 1 + k][e];
        sum += w.x_proj[r * kInner + e] * u / (1.0 + std::exp(-u));
      }
      projected[s][r] = static_cast<float>(sum);
    }
  std::vector<double> attention(kTokens);
  for (int from = 0; from <= t; ++from)
    for (int e = 0; e < kInner; ++e) {
      double h[kStates] = {}, y = 0.0;
      for (int s = 0; s <= t; ++s) {
        double step = w.dt_bias[e];
        for (int r = 0; r < kRank; ++r) step += w.dt_weight[e * kRank + r] * projected[s][r];
        y = reference::scan_step(
            kStates, std::log1p(std::exp(step)), s == from ? 1.0 : 0.0,
            [&](int n) { return -std::exp(static_cast<double>(w.a_log[e * kStates + n])); },
            &projected[s][kRank], &projected[s][kRank + kStates], 0.0, h);
      }
      attention[from] += std::abs(y) / kInner;
    }
  return attention;
}

}  // namespace

TEST_CASE(
    "hidden attention is what impulses through the scans give, in both directions and for several special "
    "tokens") {
  const Scan forward(1), backward(20);
  const std::vector<float> norm = drawn(kDim, 1.0f, 40), in_proj = drawn(2 * kInner * kDim, 0.7f, 41),
                           out_proj = drawn(kDim * kInner, 1.0f, 42),
                           stream = drawn(kTokens * kDim, 2.0f, 43);
  const BlockWeights weights{.embed_dim = kDim,
                             .inner_dim = kInner,
                             .state_dim = kStates,
                             .dt_rank = kRank,
                             .conv_width = kWidth,
                             .norm = norm.data(),
                             .in_proj = in_proj.data(),
                             .out_proj = out_proj.data(),
                             .gate = nullptr,
                             .gate_bias = nullptr,
                             .forward = forward.view(),
                             .backward = backward.view(),
                             .norm_epsilon = 1e-5f,
                             .output_scale = 1.0f};
  std::vector<std::vector<double>> x(kTokens, std::vector<double>(kInner));
  for (int t = 0; t < kTokens; ++t) {
    double squares = 0.0;
    for (int d = 0; d < kDim; ++d) squares += stream[t * kDim + d] * stream[t * kDim + d];
    for (int e = 0; e < kInner; ++e)
      for (int d = 0; d < kDim; ++d)
        x[t][e] += in_proj[e * kDim + d] * norm[d] * stream[t * kDim + d] / std::sqrt(squares / kDim + 1e-5);
  }
  std::vector<std::vector<double>> reversed(x.rbegin(), x.rend());

  for (const SpecialTokens& special :
       {SpecialTokens::class_token(4), SpecialTokens::registers(2, kTokens - 2)})
    for (const int directions : {0, 1, 2, 3}) {
      std::vector<double> expected(kTokens);
      for (int i = 0; i < special.count; ++i) {
        const int row = special.row(i);
        const auto first = by_impulses(forward, x, row),
                   second = by_impulses(backward, reversed, kTokens - 1 - row);
        for (int s = 0; s < kTokens; ++s) {
          if (directions & kForward) expected[s] += first[s] / special.count;
          if (directions & kBackward) expected[s] += second[kTokens - 1 - s] / special.count;
        }
      }
      const auto found =
          hidden_attention(weights, special, stream.data(), kTokens, static_cast<std::uint8_t>(directions));
      for (int s = 0; s < kTokens; ++s) CHECK(found[s] == doctest::Approx(expected[s]).epsilon(1e-4));
      if (directions == kForward) CHECK(found[kTokens - 1] == 0.0);
    }
  CHECK(hidden_attention(weights, SpecialTokens::none(), stream.data(), kTokens, 3) ==
        std::vector<double>(kTokens));
}

TEST_CASE(
    "a block attends to the patches that there still are, on every device alike, and changes no prediction") {
  std::vector<std::uint8_t> pixels(3 * 32 * 32);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * i / 97 % 256);
  DynamicOptions options;
  options.token_keep = {0.7, 0.49, 0.343};
  std::vector<std::vector<float>> first;
  for (const DeviceInfo& device : list_devices()) {
    auto engine = Engine::load(kPackage, device.name, 1);
    REQUIRE(engine);
    Outputs plain;
    REQUIRE((*engine)->predict(pixels.data(), 1, options, plain));
    const DyvmConfig& config = (*engine)->config();
    for (int layer = 0; layer < config.depth; ++layer) {
      Attention attention;
      REQUIRE((*engine)->attend(pixels.data(), layer, options, attention));
      CHECK(attention.outputs.logits == plain.logits);
      CHECK(attention.outputs.directions == plain.directions);
      const auto behind = std::ranges::count_if(config.pruning_layers, [&](int l) { return l <= layer; });
      CHECK(attention.stages == behind);
      const bool ran = plain.directions[layer] == (kForward | kBackward);
      for (std::size_t i = 0; i < attention.patches.size(); ++i) {
        if (plain.survived[i] < behind)
          CHECK(attention.patches[i] == 0.0f);
        else if (ran)
          CHECK(attention.patches[i] > 0.0f);
      }
      if (device.name == list_devices().front().name) first.push_back(attention.patches);
      for (std::size_t i = 0; i < attention.patches.size(); ++i)
        CHECK(attention.patches[i] == doctest::Approx(first[layer][i]).epsilon(1e-3));
    }
    Attention attention;
    for (int layer : {-1, config.depth}) {
      const Status refused = (*engine)->attend(pixels.data(), layer, options, attention);
      REQUIRE(!refused);
      CHECK(refused.error().code == ErrorCode::bad_argument);
    }
  }
}
