#include "model/detection/mask_rcnn.h"

#include <algorithm>

#include "model/clock.h"

namespace winnow {
namespace {

constexpr float kMaskThreshold = 0.5f;

}  // namespace

void MaskRcnn::load(LayerReader& layers) {
  if (head_.stages > 1 && head_.box_per_class)
    return layers.fail(
        {ErrorCode::bad_model, "Manifest: expected boxPerClass in a model of one stage only, but there are " +
                                   std::to_string(head_.stages) + "."});
  pyramid_.load(layers, embed_dim_, head_.width);
  proposal_network_.load(layers, head_.width);
  boxes_.load(layers, head_, classes_);
  masks_.load(layers, head_.width, classes_);
}

void MaskRcnn::plan(Workspace& workspace) {
  const int finest = 4 * grid_;
  const int scratch =
      static_cast<int>(std::max({pyramid_.scratch_size(grid_), proposal_network_.scratch_size(finest),
                                 boxes_.scratch_size(), masks_.scratch_size()}));
  int side = finest;
  for (Tensor& level : levels_) {
    level = workspace.take<float>({1, side, side, head_.width});
    side = (side + 1) / 2;
  }
  scratch_ = {workspace.take<float>({scratch}), workspace.take<float>({scratch})};
  anchor_outputs_ = workspace.take<float>({finest * finest, kAnchorOutputs});
  boxes_.plan(workspace);
}

Result<std::vector<ScoredBox>> MaskRcnn::find(Tensor feature, const DetectionCall& call) {
  Clock clock;
  pyramid_.run(backend_, feature, levels_, scratch_);
  call.times.pyramid = clock.lap();

  if (call.dynamic.cancelled()) return detection_cancelled();
  const auto proposed = proposal_network_.run(backend_, levels_, call.size, scratch_, anchor_outputs_);
  if (!proposed) return proposed.error();
  proposals_ = *proposed;
  call.times.proposals = clock.lap();

  const Status classified =
      boxes_.run(backend_, region_levels(), proposals_, call.size, call.dynamic, scratch_, classified_);
  if (!classified) return classified.error();
  std::vector<ScoredBox> found = best_boxes(classified_, classes_, call.options.min_score,
                                            call.options.nms_iou, call.options.max_detections);
  call.times.boxes = clock.lap();
  return found;
}

Result<std::vector<Mask>> MaskRcnn::draw(std::span<const ScoredBox> found, const DetectionCall& call) {
  const PictureSize target = call.options.target;
  if (const Status masked = masks_.run(backend_, region_levels(), found, scratch_, probabilities_); !masked)
    return masked.error();
  std::vector<Mask> masks;
  const float* probabilities = probabilities_.data();
  for (const ScoredBox& f : found) {
    const Box box = scaled(f.box, call.size, target);
    masks.push_back(paste_mask(probabilities, kMaskSide, rows({&box, 1}).data(), target.width, target.height,
                               kMaskThreshold));
    probabilities += kMaskSide * kMaskSide;
  }
  return masks;
}

void MaskRcnn::record(DetectionTrace& trace) const {
  for (const Tensor& level : levels_) trace.levels.push_back(read_back(backend_, level));
  trace.proposals.assign(proposals_.begin(), proposals_.end());
  trace.mask_probabilities = probabilities_;
}

}  // namespace winnow
