#include "reference/hidden_attention.h"

#include <cmath>

#include "reference/formulas.h"

namespace winnow {
namespace {

// What one direction's scan works on, in the order of its steps.
struct ScanValues {
  std::vector<double> delta;  // [tokens, E]
  std::vector<float> input;   // B [tokens, N]
  std::vector<float> output;  // C [tokens, N]
};

// x [tokens, E], whose row at(t) is that of step t.
template <typename RowOf>
ScanValues scan_values(const ScanWeights& w, const BlockWeights& s, const std::vector<float>& x, int tokens,
                       RowOf at) {
  const int inner = s.inner_dim, states = s.state_dim, rank = s.dt_rank, width = s.conv_width;
  ScanValues values;
  std::vector<float> u(inner), projected(rank + 2 * states);
  for (int t = 0; t < tokens; ++t) {
    for (int e = 0; e < inner; ++e) {
      const auto value = [&](int k) {
        const int source = t - (width - 1) + k;
        return source >= 0 ? x[static_cast<std::size_t>(at(source)) * inner + e] : 0.0f;
      };
      const auto tap = [&](int k) { return w.conv_weight[e * width + k]; };
      u[e] =
          static_cast<float>(reference::silu(reference::convolution_sum(w.conv_bias[e], width, tap, value)));
    }
    for (int r = 0; r < rank + 2 * states; ++r)
      projected[r] =
          static_cast<float>(reference::dot(w.x_proj + static_cast<std::size_t>(r) * inner, u.data(), inner));
    for (int e = 0; e < inner; ++e)
      values.delta.push_back(
          reference::softplus(reference::dot(w.dt_weight + e * rank, projected.data(), rank) + w.dt_bias[e]));
    values.input.insert(values.input.end(), projected.begin() + rank, projected.begin() + rank + states);
    values.output.insert(values.output.end(), projected.begin() + rank + states, projected.end());
  }
  return values;
}

// Adds |a_ts| of every channel, times `share`, for the step t and all s up to it.
template <typename RowOf>
void add_attention(const ScanWeights& w, const BlockWeights& block, const ScanValues& values, int t,
                   double share, RowOf at, std::vector<double>& attention) {
  const int inner = block.inner_dim, states = block.state_dim;
  for (int e = 0; e < inner; ++e) {
    double passed = 0.0;  // step sizes behind s, up to t
    for (int s = t; s >= 0; --s) {
      const double delta = values.delta[static_cast<std::size_t>(s) * inner + e];
      double sum = 0.0;
      for (int n = 0; n < states; ++n) {
        const double a = -std::exp(static_cast<double>(w.a_log[e * states + n]));
        sum += static_cast<double>(values.output[t * states + n]) * std::exp(a * passed) *
               values.input[s * states + n];
      }
      attention[at(s)] += share * std::abs(delta * sum);
      passed += delta;
    }
  }
}

}  // namespace

std::vector<double> hidden_attention(const BlockWeights& weights, const SpecialTokens& special,
                                     const float* stream, int tokens, std::uint8_t directions) {
  const int dim = weights.embed_dim, inner = weights.inner_dim;
  std::vector<double> attention(tokens);
  if (special.count == 0) return attention;
  std::vector<float> x(static_cast<std::size_t>(tokens) * inner), normed(dim);
  for (int t = 0; t < tokens; ++t) {
    reference::norm<float>(stream + static_cast<std::size_t>(t) * dim, weights.norm, nullptr,
                           weights.norm_epsilon, dim, normed.data());
    for (int e = 0; e < inner; ++e)
      x[static_cast<std::size_t>(t) * inner + e] = static_cast<float>(
          reference::dot(weights.in_proj + static_cast<std::size_t>(e) * dim, normed.data(), dim));
  }
  const double share = 1.0 / (static_cast<double>(inner) * special.count);
  const auto add = [&](const ScanWeights& w, auto at) {
    const ScanValues values = scan_values(w, weights, x, tokens, at);
    for (int i = 0; i < special.count; ++i)  // `at` is its own inverse
      add_attention(w, weights, values, at(special.row(i)), share, at, attention);
  };
  if (directions & kForward) add(weights.forward, [](int t) { return t; });
  if (directions & kBackward) add(weights.backward, [=](int t) { return tokens - 1 - t; });
  return attention;
}

}  // namespace winnow
