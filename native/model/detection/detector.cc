#include "model/detection/detector.h"

#include <algorithm>

#include "model/clock.h"
#include "model/detection/mask_rcnn.h"
#include "model/detection/one_stage.h"

namespace winnow {
namespace {

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

std::unique_ptr<DetectionNetwork> network_of(const DyvmConfig& config, Backend& backend) {
  if (std::holds_alternative<OneStageHead>(*config.detection))
    return std::make_unique<OneStage>(config, backend);
  return std::make_unique<MaskRcnn>(config, backend);
}

}  // namespace

Detector::Detector(const DyvmConfig& config, Backend& backend)
    : config_(config),
      backend_(backend),
      constants_(backend),
      workspace_(backend),
      network_(network_of(config, backend)) {}

Result<std::unique_ptr<Detector>> Detector::create(const DyvmConfig& config, Weights& weights,
                                                   Backend& backend) {
  std::unique_ptr<Detector> detector(new Detector(config, backend));
  if (const Status loaded = detector->load(weights); !loaded) return loaded.error();
  return detector;
}

Status Detector::load(Weights& weights) {
  TensorReader read(weights);
  auto backbone = DenseBackbone::load(config_, read, kBackbone, backend_);
  if (!backbone) return backbone.error();
  backbone_ = std::move(*backbone);
  LayerReader layers(read, backend_);
  network_->load(layers);
  if (!read.status) return read.status;
  if (const Status complete = read.check_all_asked(); !complete) return complete;
  return layers.place_norms(constants_);
}

Status Detector::detect(const std::uint8_t* pixels, PictureSize size, const DynamicOptions& dynamic,
                        const DetectionOptions& options, Detections& detections) {
  if (const Status good = check(options, size, config_.image_size); !good) return good;
  const Status planned = workspace_.lay_out([&] { network_->plan(workspace_); });
  if (!planned) return planned;
  DetectionTimes& times = detections.times = {};
  Clock whole, clock;
  detections.found.clear();

  const int side = config_.image_size;
  input_.resize(3ull * side * side);
  normalise_window(pixels, size, 0, 0, side, config_.mean, config_.std, input_.data());
  if (const Status done = backbone_->forward(input_.data(), 1, dynamic, receipt_); !done) return done;
  times.backbone = clock.lap();

  const DetectionCall call{size, dynamic, options, times};
  const Tensor feature = backbone_->final_stream();
  auto boxes = network_->find(feature, call);
  if (!boxes) return boxes.error();
  std::vector<ScoredBox>& found = *boxes;
  std::erase_if(found, [&](const ScoredBox& f) { return scaled(f.box, size, options.target).empty(); });

  if (dynamic.cancelled()) return detection_cancelled();
  clock.lap();
  auto masks = network_->draw(found, call);
  if (!masks) return masks.error();
  times.masks = clock.lap();
  for (std::size_t i = 0; i < found.size(); ++i) {
    const Box box = scaled(found[i].box, size, options.target);
    detections.found.push_back({found[i].class_index, found[i].score, box, std::nullopt});
    if (!masks->empty()) detections.found.back().mask = std::move((*masks)[i]);
  }

  if (options.trace != nullptr) {
    *options.trace = {};
    options.trace->feature = read_back(backend_, feature);
    network_->record(*options.trace);
    options.trace->boxes = std::move(found);
    options.trace->receipt = receipt_;
  }
  detections.directions = receipt_.directions;
  detections.survived = receipt_.survived;
  detections.milliseconds = whole.lap();
  return ok();
}

}  // namespace winnow
