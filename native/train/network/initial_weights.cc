#include "train/network/initial_weights.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "train/network/parameters.h"
#include "train/random.h"

namespace winnow::train {
namespace {

constexpr double kDeviation = 0.02;                       // of positions, class token and head layers
constexpr double kLeastStep = 1e-3, kLargestStep = 1e-1;  // of the scan, at first
constexpr float kBlockBias = 5.0f;                        // every direction runs

// A normal number within two deviations.
double truncated_normal(Random& random) {
  double value = random.normal();
  while (std::abs(value) > 2.0) value = random.normal();
  return value;
}

std::vector<float> initial_values(const DyvmConfig& c, const Parameter& parameter, Random& random) {
  const std::string& name = parameter.name;
  const auto ends = [&](const char* text) { return name.ends_with(text); };
  std::vector<float> values(parameter.size, 0.0f);
  const auto fill = [&](auto next) {
    for (float& value : values) value = static_cast<float>(next());
  };
  const auto uniform = [&](double bound) { fill([&] { return random.uniform(-bound, bound); }); };
  // Biases of convolutions are drawn as their weights are.
  if (ends("conv1d.weight") || ends("conv1d_b.weight") || ends("conv1d.bias") || ends("conv1d_b.bias")) {
    uniform(1.0 / std::sqrt(c.conv_width));
  } else if (ends("in_proj.weight")) {
    uniform(1.0 / std::sqrt(c.embed_dim));
  } else if (ends("x_proj.weight") || ends("x_proj_b.weight")) {
    uniform(1.0 / std::sqrt(c.inner_dim()));
  } else if (ends("out_proj.weight")) {  // so that the stream does not grow with the depth
    uniform(1.0 / std::sqrt(c.inner_dim()) / std::sqrt(c.depth));
  } else if (ends("dt_proj.weight") || ends("dt_proj_b.weight")) {
    uniform(1.0 / std::sqrt(c.dt_rank));
  } else if (ends("dt_proj.bias") || ends("dt_proj_b.bias")) {  // softplus of it is log-uniform
    fill([&] {
      return std::log(std::expm1(std::exp(random.uniform(std::log(kLeastStep), std::log(kLargestStep)))));
    });
  } else if (ends("A_log") || ends("A_b_log")) {
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<float>(std::log(i % c.state_dim + 1.0));
  } else if (ends("mixer.D") || ends("mixer.D_b") || ends("norm.weight") || name == "norm_f.weight" ||
             ends("in_conv.0.weight")) {
    std::fill(values.begin(), values.end(), 1.0f);
  } else if (ends("block_head.bias")) {
    std::fill(values.begin(), values.end(), kBlockBias);
  } else if (ends("patch_embed.proj.weight")) {
    const double deviation = std::sqrt(1.0 / (3.0 * c.patch_size * c.patch_size));
    fill([&] { return deviation * truncated_normal(random); });
  } else if (parameter.shape.size() == 4 && !ends("classes.weight")) {  // of a head's map, a norm behind it
    const bool upsampling = parameter.shape[2] == 2;
    const auto inputs = static_cast<double>(upsampling ? parameter.shape[0] : 9 * parameter.shape[1]);
    fill([&] { return std::sqrt(1.0 / inputs) * truncated_normal(random); });
  } else if (!ends("block_head.weight") && !ends(".bias")) {
    fill([&] { return kDeviation * truncated_normal(random); });
  }
  return values;
}

}  // namespace

Weights initial_weights(const DyvmConfig& config, std::uint64_t seed) {
  Weights weights;
  add_missing(config, weights, seed);
  return weights;
}

void add_missing(const DyvmConfig& config, Weights& weights, std::uint64_t seed) {
  add_missing(config, ParameterTable(config), weights, seed);
}

void add_missing(const DyvmConfig& config, const ParameterTable& table, Weights& weights,
                 std::uint64_t seed) {
  Random random(seed);
  for (const Parameter& parameter : table.parameters()) {
    const Weights::Shape shape = weights.shape(parameter.name);
    const bool other_head = parameter.name.starts_with("head.") && shape != parameter.shape;
    if (shape.empty() || other_head)
      weights.add(parameter.name, parameter.shape, initial_values(config, parameter, random));
  }
}

DyvmConfig without_pruning(const DyvmConfig& config) {
  DyvmConfig plain = config;
  plain.pruning_layers.clear();
  plain.token_keep.clear();
  plain.block_selection = false;
  return plain;
}

Result<Weights> inherit(const DyvmConfig& config, const DyvmConfig& from, Weights& weights) {
  if (from.dense() || from.family != config.family)
    return Error{ErrorCode::bad_argument,
                 "Expected a model of the same architecture to start from, but it is another one."};
  const ParameterTable theirs(from);
  auto values = theirs.read(weights);
  if (!values) return values.error();
  const bool same_stages = from.pruning_layers == config.pruning_layers;
  const ParameterTable own(config);
  std::set<std::string> wanted;
  for (const Parameter& parameter : own.parameters())
    if (same_stages || !parameter.name.starts_with("score_predictors.")) wanted.insert(parameter.name);
  Weights taken;
  for (const Parameter& parameter : theirs.parameters()) {
    if (!wanted.contains(parameter.name)) continue;
    const auto begin = values->begin() + static_cast<std::ptrdiff_t>(parameter.offset);
    taken.add(parameter.name, parameter.shape, {begin, begin + static_cast<std::ptrdiff_t>(parameter.size)});
  }
  return taken;
}

}  // namespace winnow::train
