#include "model/detection/one_stage.h"

#include <algorithm>

#include "model/clock.h"
#include "model/detection/prototype_mask.h"

namespace winnow {
namespace {

// A linear layer's rows, behind those that there are.
void add_rows(LayerReader& layers, const std::string& name, int outputs, int inputs,
              std::vector<float>& weight, std::vector<float>& bias) {
  const float* rows = layers.tensor(name + ".weight", {outputs, inputs});
  const float* offsets = layers.tensor(name + ".bias", {outputs});
  if (!layers.good()) return;
  weight.insert(weight.end(), rows, rows + static_cast<std::ptrdiff_t>(outputs) * inputs);
  bias.insert(bias.end(), offsets, offsets + outputs);
}

}  // namespace

OneStage::OneStage(const DyvmConfig& config, Backend& backend)
    : head_(std::get<OneStageHead>(*config.detection)),
      embed_dim_(config.embed_dim),
      grid_(config.grid()),
      classes_(config.classes),
      patch_size_(config.patch_size),
      backend_(backend) {
  outputs_.classes = classes_;
  outputs_.prototypes = head_.prototypes;
  const auto stride = static_cast<float>(patch_size_);
  outputs_.levels = {{{2 * grid_, 2 * grid_, stride / 2, 1.0f},
                      {grid_, grid_, stride, 1.0f},
                      {grid_ / 2, grid_ / 2, 2 * stride, 1.0f}}};
}

void OneStage::load(LayerReader& layers) {
  const int inputs[] = {embed_dim_ / 2, embed_dim_, embed_dim_};
  layers.read(finer_, "pyramid.0.up", embed_dim_ / 2, embed_dim_);
  for (int level = 0; level < kOneStageLevels; ++level) {
    const std::string prefix = "pyramid." + std::to_string(level) + ".";
    layers.read(outlets_[level].narrow, prefix + "narrow", head_.width, inputs[level], 1);
    layers.read(outlets_[level].smooth, prefix + "smooth", head_.width, head_.width, 3);
  }
  load_tower(layers, class_tower_, "class");
  load_tower(layers, box_tower_, "box");
  load_places(layers);
  if (head_.prototypes > 0) load_masks(layers);
}

void OneStage::load_tower(LayerReader& layers, Tower& tower, const std::string& name) {
  tower.resize(head_.layers);
  for (int layer = 0; layer < head_.layers; ++layer)
    layers.read(tower[layer], "head." + name + "_tower." + std::to_string(layer), head_.width, head_.width,
                3);
}

void OneStage::load_places(LayerReader& layers) {
  layers.read(classify_, "head.classes", classes_, head_.width);
  std::vector<float> weight, bias;
  add_rows(layers, "head.distances", 4, head_.width, weight, bias);
  add_rows(layers, "head.quality", 1, head_.width, weight, bias);
  if (head_.prototypes > 0)
    add_rows(layers, "head.coefficients", head_.prototypes, head_.width, weight, bias);
  const float* scales = layers.tensor("head.scales", {kOneStageLevels});
  if (!layers.good()) return;
  layers.make_linear(place_, weight.data(), bias.data(), static_cast<int>(bias.size()), head_.width);
  for (int level = 0; level < kOneStageLevels; ++level) outputs_.levels[level].scale = scales[level];
}

void OneStage::load_masks(LayerReader& layers) {
  const int width = head_.width;
  layers.read(smooth_prototypes_, "prototypes.smooth", width, width, 3);
  layers.read(double_prototypes_, "prototypes.up", width / 2, width);
  layers.read(doubled_norm_, "prototypes.up.norm", width / 2);
  layers.read(mix_, "prototypes.out", head_.prototypes, width / 2, 1);
}

void OneStage::plan(Workspace& workspace) {
  const int width = head_.width, finest = 4 * grid_ * grid_;
  int scratch = finest * std::max(width, embed_dim_ / 2);
  if (head_.prototypes > 0) scratch = std::max(scratch, 4 * finest * (width / 2));
  for (int i = 0; i < kOneStageLevels; ++i) {
    const auto& [height, columns, stride, scale] = outputs_.levels[i];
    levels_[i] = workspace.take<float>({1, height, columns, width});
    class_logits_[i] = workspace.take<float>({1, height * columns, classes_});
    predictions_[i] =
        workspace.take<float>({1, height * columns, OneStageOutputs::kPlace + head_.prototypes});
  }
  scratch_ = {workspace.take<float>({scratch}), workspace.take<float>({scratch})};
  if (head_.prototypes > 0) prototypes_ = workspace.take<float>({1, 4 * grid_, 4 * grid_, head_.prototypes});
}

void OneStage::leave(Tensor x, const Outlet& outlet, Tensor between, Tensor out) {
  convolve_and_norm(backend_, x, outlet.narrow, Activation::none, between);
  convolve_and_norm(backend_, between, outlet.smooth, Activation::none, out);
}

void OneStage::make_pyramid(Tensor feature) {
  const int grid = grid_, width = head_.width;
  const Tensor doubled = shaped(scratch_.first, {1, 2 * grid, 2 * grid, embed_dim_ / 2});
  backend_.upsample(feature, *finer_, Activation::none, doubled);
  leave(doubled, outlets_[0], shaped(scratch_.second, {1, 2 * grid, 2 * grid, width}), levels_[0]);

  leave(feature, outlets_[1], shaped(scratch_.second, {1, grid, grid, width}), levels_[1]);

  const Tensor halved = shaped(scratch_.first, {1, grid / 2, grid / 2, embed_dim_});
  backend_.max_pool(feature, halved);
  leave(halved, outlets_[2], shaped(scratch_.second, {1, grid / 2, grid / 2, width}), levels_[2]);
}

Tensor OneStage::climb(const Tower& tower, Tensor level) {
  Tensor from = level;
  for (std::size_t layer = 0; layer < tower.size(); ++layer) {
    const Tensor to = shaped(layer % 2 == 0 ? scratch_.first : scratch_.second,
                             {1, level.extent(1), level.extent(2), head_.width});
    convolve_and_norm(backend_, from, tower[layer], Activation::relu, to);
    from = to;
  }
  return from;
}

void OneStage::predict_level(int level) {
  const auto apply = [&](const Tower& tower, const Linear& layer, Tensor outputs) {
    const Tensor map = climb(tower, levels_[level]);
    backend_.linear(shaped(map, {1, outputs.extent(1), head_.width}), layer, Activation::none, outputs);
  };
  apply(class_tower_, *classify_, class_logits_[level]);
  apply(box_tower_, *place_, predictions_[level]);
}

Result<std::vector<ScoredBox>> OneStage::find(Tensor feature, const DetectionCall& call) {
  Clock clock;
  make_pyramid(feature);
  call.times.pyramid = clock.lap();
  for (int level = 0; level < kOneStageLevels; ++level) {
    if (call.dynamic.cancelled()) return detection_cancelled();
    predict_level(level);
  }
  const auto read = [&](std::vector<float>& host, const Levels& levels) {
    host.clear();
    for (const Tensor& level : levels) {
      host.resize(host.size() + level.size());
      backend_.read(host.data() + host.size() - level.size(), level.data(), level.size() * sizeof(float));
    }
  };
  read(outputs_.class_logits, class_logits_);
  read(outputs_.predictions, predictions_);
  if (const Status done = backend_.wait(); !done) return done.error();
  const auto candidates = one_stage_candidates(outputs_, call.size, call.options.min_score);
  auto found = best_of_classes(candidates, classes_, call.options.nms_iou, call.options.max_detections);
  call.times.boxes = clock.lap();
  return found;
}

void OneStage::make_prototypes() {
  const int width = head_.width, side = 2 * grid_;
  const Tensor smooth = shaped(scratch_.first, {1, side, side, width});
  const Tensor doubled = shaped(scratch_.second, {1, 2 * side, 2 * side, width / 2});
  convolve_and_norm(backend_, levels_[0], smooth_prototypes_, Activation::relu, smooth);
  backend_.upsample(smooth, *double_prototypes_, Activation::none, doubled);
  norm_map(backend_, doubled, doubled_norm_, Activation::relu);
  backend_.convolve(doubled, *mix_, Activation::relu, prototypes_);
}

Result<std::vector<Mask>> OneStage::draw(std::span<const ScoredBox> found, const DetectionCall& call) {
  std::vector<Mask> masks;
  host_prototypes_.clear();
  if (head_.prototypes == 0 || found.empty()) return masks;
  make_prototypes();
  host_prototypes_ = read_back(backend_, prototypes_);
  if (const Status done = backend_.wait(); !done) return done.error();
  const Prototypes prototypes{host_prototypes_.data(), 4 * grid_, 4 * grid_, head_.prototypes,
                              static_cast<float>(patch_size_) / 4};
  for (const ScoredBox& f : found) {
    if (call.dynamic.cancelled()) return detection_cancelled();
    masks.push_back(mask_of_prototypes(prototypes, outputs_.coefficients(f.location), f.box, call.size,
                                       call.options.target));
  }
  return masks;
}

void OneStage::record(DetectionTrace& trace) const {
  for (const Tensor& level : levels_) trace.levels.push_back(read_back(backend_, level));
  trace.class_logits = outputs_.class_logits;
  trace.predictions = outputs_.predictions;
  trace.prototypes = host_prototypes_;
}

}  // namespace winnow
