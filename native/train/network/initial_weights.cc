#include "train/network/initial_weights.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "model/interpolate_map.h"
#include "train/network/parameters.h"
#include "train/random.h"

namespace winnow::train {
namespace {

constexpr double kDeviation = 0.02;                       // of positions, class token and head layers
constexpr double kLeastStep = 1e-3, kLargestStep = 1e-1;  // of the scan, at first
constexpr float kBlockBias = 5.0f;                        // every direction runs
constexpr char kPatchWeight[] = "patch_embed.proj.weight";

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
  } else if (ends(kPatchWeight)) {
    const double deviation = std::sqrt(1.0 / (3.0 * c.patch_size * c.patch_size));
    fill([&] { return deviation * truncated_normal(random); });
  } else if (parameter.shape.size() == 4 && !ends("classes.weight")) {  // of a head's map, a norm behind it
    const auto taps = static_cast<double>(parameter.shape[2] * parameter.shape[3]);
    const double inputs = parameter.shape[2] == 2 ? static_cast<double>(parameter.shape[0])
                                                  : taps * static_cast<double>(parameter.shape[1]);
    fill([&] { return std::sqrt(1.0 / inputs) * truncated_normal(random); });
  } else if (!ends("block_head.weight") && !ends(".bias")) {
    fill([&] { return kDeviation * truncated_normal(random); });
  }
  return values;
}

bool is_of_head(const std::string& name) {
  return name.starts_with("head.") || name.starts_with("pyramid.") || name.starts_with("prototypes.");
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
    const bool other_head = is_of_head(parameter.name) && shape != parameter.shape;
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

namespace {

Error other_model(const char* what) {
  return {ErrorCode::bad_argument,
          std::string("Expected a model of the same ") + what + " to start from, but it is another one."};
}

// Positions of all patches of a model, without the class token's. [patches, D]
Result<std::vector<float>> patch_positions(const DyvmConfig& from, Weights& weights) {
  const int dim = from.embed_dim, rows = from.patches() + (from.dense() ? 0 : 1);
  const auto values = weights.tensor(backbone_prefix(from) + "pos_embed", {1, rows, dim});
  if (!values) return values.error();
  std::vector<float> positions(*values, *values + static_cast<std::ptrdiff_t>(rows) * dim);
  if (from.dense()) return positions;
  const int token = from.family->class_token_first ? 0 : from.patches() / 2;
  const auto begin = positions.begin() + static_cast<std::ptrdiff_t>(token) * dim;
  positions.erase(begin, begin + dim);
  return positions;
}

// One axis of a patch of `to` pixels enlarged or shrunk to `from`: shares of the patch's pixels in each of
// those, linear between two of them, or over all that one covers. [from, to]
std::vector<double> resize_axis(int from, int to) {
  std::vector<double> shares(static_cast<std::size_t>(from) * to);
  const double scale = static_cast<double>(to) / from, reach = std::max(1.0, scale);
  for (int i = 0; i < from; ++i) {
    double* row = shares.data() + static_cast<std::ptrdiff_t>(i) * to;
    double sum = 0.0;
    for (int j = 0; j < to; ++j) {
      row[j] = std::max(0.0, 1.0 - std::abs(j + 0.5 - (i + 0.5) * scale) / reach);
      sum += row[j];
    }
    for (int j = 0; j < to; ++j) row[j] /= sum;
  }
  return shares;
}

// Weights of a patch embedding, [maps, from, from], for patches of another side, [maps, to, to]: they give of
// a patch what the old ones give of the same patch resized to `from` pixels a side (compare arXiv
// 2212.08013).
std::vector<float> resize_patches(const float* weights, std::int64_t maps, int from, int to) {
  const std::vector<double> axis = resize_axis(from, to);
  std::vector<float> resized(static_cast<std::size_t>(maps) * to * to);
  for (std::int64_t map = 0; map < maps; ++map)
    for (int y = 0; y < to; ++y)
      for (int x = 0; x < to; ++x) {
        double sum = 0.0;
        for (int i = 0; i < from; ++i)
          for (int k = 0; k < from; ++k)
            sum += axis[i * to + y] * axis[k * to + x] * weights[(map * from + i) * from + k];
        resized[(map * to + y) * to + x] = static_cast<float>(sum);
      }
  return resized;
}

bool has(const ParameterTable& table, const std::string& name) {
  return std::any_of(table.parameters().begin(), table.parameters().end(),
                     [&](const Parameter& parameter) { return parameter.name == name; });
}

Result<Weights> inherit_dense(const DyvmConfig& config, const DyvmConfig& from, Weights& weights) {
  if (from.registers > 0 || from.embed_dim != config.embed_dim || from.depth != config.depth)
    return other_model("width and depth");
  const std::string own = backbone_prefix(config), theirs = backbone_prefix(from);
  const ParameterTable table(config);
  const bool same_stages = from.pruning_layers == config.pruning_layers;
  Weights taken;
  const auto take = [&](const std::string& name, const std::string& source,
                        const Weights::Shape& shape) -> Status {
    const auto values = weights.tensor(source, shape);
    if (!values) return values.error();
    std::int64_t size = 1;
    for (std::int64_t extent : shape) size *= extent;
    taken.add(name, shape, {*values, *values + size});
    return ok();
  };
  for (const Parameter& parameter : table.parameters()) {
    const std::string bare = parameter.name.substr(own.size());
    if (bare == "pos_embed" || bare == kPatchWeight) continue;
    const bool is_new = (bare.starts_with("score_predictors.") && !same_stages) ||
                        (bare.find("block_head") != std::string::npos && !from.block_selection);
    if (is_new) continue;
    if (const Status done = take(parameter.name, theirs + bare, parameter.shape); !done) return done.error();
  }
  const std::int64_t dim = config.embed_dim, old_side = from.patch_size, side = config.patch_size;
  const auto patch = weights.tensor(theirs + kPatchWeight, {dim, 3, old_side, old_side});
  if (!patch) return patch.error();
  taken.add(own + kPatchWeight, {dim, 3, side, side},
            resize_patches(*patch, 3 * dim, from.patch_size, config.patch_size));
  auto positions = patch_positions(from, weights);
  if (!positions) return positions.error();
  if (from.grid() != config.grid())
    *positions = interpolate_map(positions->data(), from.grid(), config.grid(), config.embed_dim);
  taken.add(own + "pos_embed", {1, config.patches(), config.embed_dim}, std::move(*positions));
  const bool same_task = from.segmentation.has_value() == config.segmentation.has_value() &&
                         from.detection.has_value() == config.detection.has_value();
  if (!same_task) return taken;
  for (const std::string& name : weights.names())  // of the head; add_missing asks whether they fit
    if (!has(table, name))
      if (const Status done = take(name, name, weights.shape(name)); !done) return done.error();
  return taken;
}

}  // namespace

Result<Weights> inherit(const DyvmConfig& config, const DyvmConfig& from, Weights& weights) {
  if (from.family != config.family || (from.dense() && !config.dense())) return other_model("architecture");
  if (config.dense()) return inherit_dense(config, from, weights);
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
