#include "model/detection/detector.h"

#include <algorithm>

#include "model/clock.h"

namespace winnow {
namespace {

constexpr float kMaskThreshold = 0.5f;
constexpr const char* kBackbone = "backbone.net.";

Status check(const DetectionOptions& options, PictureSize size, int side) {
  const auto wrong = [](std::string message) { return Error{ErrorCode::bad_argument, std::move(message)}; };
  const auto text = [](PictureSize s) { return std::to_string(s.width) + " x " + std::to_string(s.height); };
  if (std::min(size.width, size.height) < 1 || std::max(size.width, size.height) > side)
    return wrong("Expected a picture whose sides are 1 to " + std::to_string(side) +
                 " pixels long, but it is " + text(size) + ".");
  if (std::min(options.target.width, options.target.height) < 1)
    return wrong("Expected boxes for a picture of at least one pixel, but it is " + text(options.target) +
                 ".");
  for (const auto& [name, value] :
       {std::pair{"lowest score", options.min_score}, std::pair{"IoU of overlapping boxes", options.nms_iou}})
    if (!(value >= 0.0f && value <= 1.0f))
      return wrong(std::string("Expected a ") + name + " from 0 to 1, but it is " + std::to_string(value) +
                   ".");
  if (options.max_detections < 1)
    return wrong("Expected at least one detection per picture to be allowed, but it is " +
                 std::to_string(options.max_detections) + ".");
  return ok();
}

Error cancelled() { return {ErrorCode::cancelled, "The prediction was cancelled."}; }

Box scaled(const Box& box, PictureSize from, PictureSize to) {
  const float x = static_cast<float>(to.width) / static_cast<float>(from.width);
  const float y = static_cast<float>(to.height) / static_cast<float>(from.height);
  return clip({box.x0 * x, box.y0 * y, box.x1 * x, box.y1 * y}, to);
}

}  // namespace

Result<std::unique_ptr<Detector>> Detector::create(const DyvmConfig& config, Weights& weights,
                                                   Backend& backend) {
  std::unique_ptr<Detector> detector(new Detector(config, backend));
  if (const Status loaded = detector->load(weights); !loaded) return loaded.error();
  return detector;
}

Status Detector::load(Weights& weights) {
  const DetectionHead& head = *config_.detection;
  if (head.stages > 1 && head.box_per_class)
    return Error{ErrorCode::bad_model,
                 "Manifest: expected boxPerClass in a model of one stage only, but there are " +
                     std::to_string(head.stages) + "."};
  TensorReader read(weights);
  auto backbone = DenseBackbone::load(config_, read, kBackbone, backend_);
  if (!backbone) return backbone.error();
  backbone_ = std::move(*backbone);
  LayerReader layers(read, backend_);
  pyramid_.load(layers, config_.embed_dim, head.width);
  proposals_.load(layers, head.width);
  boxes_.load(layers, head, config_.classes);
  masks_.load(layers, head.width, config_.classes);
  if (!read.status) return read.status;
  if (const Status complete = read.check_all_asked(); !complete) return complete;
  return layers.place_norms(constants_);
}

Status Detector::plan() {
  const int grid = config_.grid(), width = config_.detection->width;
  const int finest = 4 * grid;
  const int scratch = static_cast<int>(std::max({pyramid_.scratch_size(grid), proposals_.scratch_size(finest),
                                                 boxes_.scratch_size(), masks_.scratch_size()}));
  return workspace_.lay_out([&] {
    int side = finest;
    for (Tensor& level : levels_) {
      level = workspace_.take<float>({1, side, side, width});
      side = (side + 1) / 2;
    }
    scratch_ = {workspace_.take<float>({scratch}), workspace_.take<float>({scratch})};
    anchor_outputs_ = workspace_.take<float>({finest * finest, kAnchorOutputs});
    boxes_.plan(workspace_);
  });
}

Status Detector::detect(const std::uint8_t* pixels, PictureSize size, const DynamicOptions& dynamic,
                        const DetectionOptions& options, Detections& detections) {
  if (const Status good = check(options, size, config_.image_size); !good) return good;
  if (const Status planned = plan(); !planned) return planned;
  DetectionTimes& times = detections.times;
  Clock whole, clock;
  detections.found.clear();

  const int side = config_.image_size;
  input_.resize(3ull * side * side);
  normalise_window(pixels, size, 0, 0, side, config_.mean, config_.std, input_.data());
  if (const Status done = backbone_->forward(input_.data(), 1, dynamic, receipt_); !done) return done;
  times.backbone = clock.lap();

  const Tensor feature = backbone_->final_stream();
  pyramid_.run(backend_, feature, levels_, scratch_);
  times.pyramid = clock.lap();

  if (dynamic.cancelled()) return cancelled();
  const auto proposed = proposals_.run(backend_, levels_, size, scratch_, anchor_outputs_);
  if (!proposed) return proposed.error();
  const std::span<const Proposal> proposals = *proposed;
  times.proposals = clock.lap();

  const std::span<const Tensor> levels(levels_.data(), kRegionLevels);
  const Status classified = boxes_.run(backend_, levels, proposals, size, dynamic, scratch_, classified_);
  if (!classified) return classified;
  std::vector<ScoredBox> found =
      best_boxes(classified_, config_.classes, options.min_score, options.nms_iou, options.max_detections);
  std::erase_if(found, [&](const ScoredBox& f) { return scaled(f.box, size, options.target).empty(); });
  times.boxes = clock.lap();

  if (dynamic.cancelled()) return cancelled();
  if (const Status masked = masks_.run(backend_, levels, found, scratch_, probabilities_); !masked)
    return masked;
  const float* probabilities = probabilities_.data();
  for (const ScoredBox& f : found) {
    const Box box = scaled(f.box, size, options.target);
    detections.found.push_back({f.class_index, f.score, box,
                                paste_mask(probabilities, kMaskSide, rows({&box, 1}).data(),
                                           options.target.width, options.target.height, kMaskThreshold)});
    probabilities += kMaskSide * kMaskSide;
  }
  times.masks = clock.lap();

  if (options.trace != nullptr) {
    record(feature, proposals, *options.trace);
    options.trace->boxes = std::move(found);
    options.trace->mask_probabilities = probabilities_;
  }
  detections.directions = receipt_.directions;
  detections.survived = receipt_.survived;
  detections.milliseconds = whole.lap();
  return ok();
}

void Detector::record(Tensor feature, std::span<const Proposal> proposals, DetectionTrace& trace) {
  const auto read = [&](std::vector<float>& target, Tensor source) {
    target.resize(source.size());
    backend_.read(target.data(), source.data(), source.size() * sizeof(float));
  };
  read(trace.feature, feature);
  for (int level = 0; level < kPyramidLevels; ++level) read(trace.levels[level], levels_[level]);
  trace.proposals.assign(proposals.begin(), proposals.end());
}

}  // namespace winnow
