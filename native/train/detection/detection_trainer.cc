#include "train/detection/detection_trainer.h"

#include <algorithm>
#include <cmath>

#include "train/network/initial_weights.h"

namespace winnow::train {
namespace {

constexpr double kPrior = 0.01;  // probability of a class at first

Error bad_argument(std::string message) { return {ErrorCode::bad_argument, std::move(message)}; }

// What an image's locations learn.
struct Assignment {
  std::vector<int> objects;  // per location
  std::vector<int> masked;
};

}  // namespace

Result<std::unique_ptr<DetectionTrainer>> DetectionTrainer::create(const DyvmConfig& config, Weights& weights,
                                                                   const TrainerSettings& settings,
                                                                   const std::string& device, int threads) {
  if (!config.detection || !std::holds_alternative<OneStageHead>(*config.detection))
    return bad_argument("Expected a detector with a head in one stage: others cannot be trained.");
  std::unique_ptr<DetectionTrainer> trainer(new DetectionTrainer(settings));
  if (const Status opened = trainer->open(config, device, threads); !opened) return opened.error();
  trainer->head_ =
      std::make_unique<TrainedOneStageHead>(config, trainer->network().table(), trainer->operations());
  if (const Status started = trainer->start(weights); !started) return started.error();
  return trainer;
}

Status DetectionTrainer::check_objects(const std::vector<std::vector<TrainingObject>>& objects,
                                       int images) const {
  if (static_cast<int>(objects.size()) != images)
    return bad_argument("Expected the objects of " + std::to_string(images) + " images, but they are of " +
                        std::to_string(objects.size()) + ".");
  const auto side = static_cast<float>(config().image_size);
  const std::size_t cells = head_->shape().cells();
  for (const auto& of_image : objects)
    for (const TrainingObject& object : of_image) {
      const auto& [box, label, mask] = object;
      if (label < 0 || label >= config().classes)
        return bad_argument("Expected labels of objects below " + std::to_string(config().classes) +
                            ", but one is " + std::to_string(label) + ".");
      if (!is_finite(box) || box.empty() || box.x0 < 0.0f || box.y0 < 0.0f || box.x1 > side || box.y1 > side)
        return bad_argument("Expected boxes with an area inside of the window of " +
                            std::to_string(config().image_size) + " pixels, but one is not.");
      if (!mask.empty() && mask.size() != cells)
        return bad_argument("Expected masks of " + std::to_string(cells) + " cells or none, but one has " +
                            std::to_string(mask.size()) + ".");
    }
  return ok();
}

void DetectionTrainer::compare_objects(std::span<const std::vector<TrainingObject>> objects,
                                       StepResult& result) {
  const OneStageShape& shape = head_->shape();
  const int images = static_cast<int>(objects.size());
  std::vector<Assignment> assignments(images);
  operations().run(images, [&](int b, int) {
    assignments[b].objects = assign_locations(shape.levels, objects[b]);
    if (shape.prototypes > 0)
      assignments[b].masked = mask_locations(assignments[b].objects, objects[b], kMostMasks);
  });
  std::int64_t assigned = 0, masked = 0;
  for (const Assignment& a : assignments) {
    assigned += static_cast<std::int64_t>(a.objects.size()) -
                std::count(a.objects.begin(), a.objects.end(), kBackground);
    masked += static_cast<std::int64_t>(a.masked.size());
  }
  const LossSettings& s = losses();
  const double learned = static_cast<double>(std::max<std::int64_t>(1, assigned)),
               masks = static_cast<double>(std::max<std::int64_t>(1, masked));
  const DetectionWeights weights{s.classification / learned, s.boxes / learned, s.quality / learned,
                                 s.masks / masks};
  d_outputs_.assign(images * shape.size(), 0.0f);
  std::vector<DetectionParts> parts(images);
  operations().run(images, [&](int b, int) {
    parts[b] = detection_losses(shape, head_->values(b), objects[b], assignments[b].objects,
                                assignments[b].masked, weights, d_outputs_.data() + b * shape.size());
  });
  std::fill(std::begin(d_scales_), std::end(d_scales_), 0.0);
  std::int64_t right = 0;
  for (const DetectionParts& part : parts) {
    result.losses.classification += part.classification;
    result.losses.boxes += part.boxes;
    result.losses.quality += part.quality;
    result.losses.masks += part.masks;
    right += part.right;
    for (int level = 0; level < kOneStageLevels; ++level) d_scales_[level] += part.d_scales[level];
  }
  result.accuracy = assigned == 0 ? 1.0 : static_cast<double>(right) / static_cast<double>(assigned);
}

Result<StepResult> DetectionTrainer::step(const std::uint8_t* pixels,
                                          const std::vector<std::vector<TrainingObject>>& objects, int images,
                                          double learning_rate, std::uint64_t seed) {
  if (const Status known = check_objects(objects, images); !known) return known.error();
  return learn(pixels, images, learning_rate, seed, [&](const Piece& piece, StepResult& result) {
    compare_objects(std::span(objects).subspan(piece.first, piece.count), result);
  });
}

void DetectionTrainer::run_head(const std::vector<float>& weights, const float* map, int images) {
  head_->forward(weights, map, images);
}

void DetectionTrainer::run_backward(const float*, AlignedFloats& d_map, std::vector<float>& gradients) {
  head_->backward(d_outputs_, d_scales_, d_map, gradients);
}

std::size_t DetectionTrainer::head_bytes() const {
  return head_->bytes() + d_outputs_.capacity() * sizeof(float);
}

void add_missing_of_detector(const DyvmConfig& config, Weights& weights, std::uint64_t seed) {
  ParameterTable table(config);
  const auto operations = reference_operations();
  const TrainedOneStageHead head(config, table, *operations);  // for the names of its parameters
  const auto add_constant = [&](const std::string& name, int count, float value) {
    const Weights::Shape shape{count};
    if (weights.shape(name) != shape) weights.add(name, shape, std::vector<float>(count, value));
  };
  add_constant("head.classes.bias", config.classes, static_cast<float>(-std::log((1.0 - kPrior) / kPrior)));
  add_constant("head.scales", kOneStageLevels, 1.0f);
  add_missing(config, table, weights, seed);
}

}  // namespace winnow::train
