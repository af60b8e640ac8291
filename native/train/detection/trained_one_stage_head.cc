#include "train/detection/trained_one_stage_head.h"

#include <algorithm>
#include <string>

namespace winnow::train {
namespace {

constexpr double kEpsilon = 1e-6;  // as of every norm of detectors in inference

OneStageShape shape_of(const DyvmConfig& c) {
  const int grid = c.grid();
  const auto stride = static_cast<float>(c.patch_size);
  OneStageShape shape;
  shape.levels = {{{2 * grid, 2 * grid, stride / 2, 1.0f},
                   {grid, grid, stride, 1.0f},
                   {grid / 2, grid / 2, 2 * stride, 1.0f}}};
  shape.classes = c.classes;
  shape.prototypes = std::get<OneStageHead>(*c.detection).prototypes;
  shape.mask_side = mask_side(c);
  shape.cell = stride / 4;
  return shape;
}

// What several linear layers of `inputs` channels say, as one: their weights lie behind each other, and so do
// their biases.
struct Joined {
  std::size_t weight = 0, bias = 0;
};
Joined join(MapLayers& layers, const std::vector<std::pair<std::string, int>>& parts, int inputs) {
  Joined joined;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t at = layers.add(parts[i].first + ".weight", {parts[i].second, inputs});
    if (i == 0) joined.weight = at;
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t at = layers.add(parts[i].first + ".bias", {parts[i].second});
    if (i == 0) joined.bias = at;
  }
  return joined;
}

}  // namespace

TrainedOneStageHead::TrainedOneStageHead(const DyvmConfig& config, ParameterTable& table,
                                         Operations& operations)
    : shape_(shape_of(config)), layers_(table, operations, kEpsilon) {
  using Map = MapLayers::Map;
  const OneStageHead& head = std::get<OneStageHead>(*config.detection);
  const int grid = config.grid(), dim = config.embed_dim;
  outputs_ = layers_.add_map({1, 1, static_cast<int>(shape_.prototypes_at())});
  prototypes_ = layers_.add_map({shape_.mask_side, shape_.mask_side, shape_.prototypes});
  feature_ = layers_.add_map({grid, grid, dim});

  std::vector<Map> levels = {layers_.upsample("pyramid.0.up", feature_, dim / 2), feature_,
                             layers_.max_pool(feature_)};
  for (int level = 0; level < kOneStageLevels; ++level) {
    const std::string name = "pyramid." + std::to_string(level);
    const Map narrow = layers_.normed_convolution(name + ".narrow", levels[level], head.width, 1, false);
    levels[level] = layers_.normed_convolution(name + ".smooth", narrow, head.width, 3, false);
  }
  add_places(head, levels);
  scales_ = layers_.add("head.scales", {kOneStageLevels});
  if (head.prototypes == 0) return;
  const Map smooth = layers_.normed_convolution("prototypes.smooth", levels[0], head.width, 3, true);
  const Map doubled =
      layers_.norm("prototypes.up.norm", layers_.upsample("prototypes.up", smooth, head.width / 2), true);
  const std::size_t weight = layers_.add("prototypes.out.weight", {head.prototypes, head.width / 2, 1, 1});
  layers_.linear(weight, layers_.add("prototypes.out.bias", {head.prototypes}), doubled, prototypes_, true);
}

void TrainedOneStageHead::add_places(const OneStageHead& head, const std::vector<MapLayers::Map>& levels) {
  const auto add_tower = [&](const std::string& name, const Joined& last, std::size_t at, int outputs) {
    const std::string prefix = "head." + name + "_tower.";
    std::vector<MapLayers::NormedConvolution> tower;
    for (int i = 0; i < head.layers; ++i)
      tower.push_back(layers_.add_normed_convolution(prefix + std::to_string(i), head.width, head.width, 3));
    for (const MapLayers::Map& level : levels) {
      MapLayers::Map x = level;
      for (const auto& layer : tower) x = layers_.apply(layer, x, true);
      const MapLayers::Map out{at, {level.shape.height, level.shape.width, outputs}};
      layers_.linear(last.weight, last.bias, x, out, false);
      at += out.shape.size();
    }
  };
  add_tower("class", join(layers_, {{"head.classes", shape_.classes}}, head.width), 0, shape_.classes);
  std::vector<std::pair<std::string, int>> says = {{"head.distances", 4}, {"head.quality", 1}};
  if (head.prototypes > 0) says.push_back({"head.coefficients", head.prototypes});
  add_tower("box", join(layers_, says, head.width), shape_.predictions_at(), shape_.place());
}

void TrainedOneStageHead::forward(const std::vector<float>& weights, const float* map, int images) {
  layers_.forward(weights, feature_, map, images);
  for (int level = 0; level < kOneStageLevels; ++level)
    shape_.levels[level].scale = layers_.weights(scales_)[level];
}

void TrainedOneStageHead::backward(const AlignedFloats& d_outputs, const double d_scales[kOneStageLevels],
                                   AlignedFloats& d_map, std::vector<float>& gradients) {
  layers_.backward(feature_, shape_.size(), d_outputs.data(), d_map, gradients);
  for (int level = 0; level < kOneStageLevels; ++level)
    gradients[layers_.begin() + scales_ + level] = static_cast<float>(d_scales[level]);
}

}  // namespace winnow::train
