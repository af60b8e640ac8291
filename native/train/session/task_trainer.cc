#include "train/session/task_trainer.h"

#include "train/detection/detection_trainer.h"
#include "train/network/initial_weights.h"
#include "train/segmentation/segmentation_trainer.h"
#include "train/session/batch.h"
#include "train/session/windows.h"

namespace winnow::train {
namespace {

// The trainer of a kind of model, and what all of them do alike.
template <typename Kind>
class OfKind : public TaskTrainer {
 public:
  OfKind(const TrainingSettings& settings, std::unique_ptr<Kind> trainer)
      : settings_(settings), trainer_(std::move(trainer)) {}

  Status set_teacher(const DyvmConfig&, Weights&) override {
    return Error{ErrorCode::bad_argument,
                 "Expected a classifier to learn from a teacher, but this model is none."};
  }
  const ParameterTable& table() const override { return trainer_->table(); }
  const OptimiserState& state() const override { return trainer_->state(); }
  Status restore(OptimiserState state) override { return trainer_->restore(std::move(state)); }

 protected:
  TrainingSettings settings_;
  std::unique_ptr<Kind> trainer_;
};

class Classification : public OfKind<Trainer> {
 public:
  using OfKind::OfKind;
  Result<StepResult> step(const std::vector<TrainingExample>& examples, double learning_rate,
                          std::uint64_t seed) override {
    std::vector<TrainingPicture> pictures;
    std::vector<int> labels;
    for (const TrainingExample& example : examples) {
      pictures.push_back(example.picture);
      labels.push_back(example.label);
    }
    const Status made = make_batch(trainer_->operations(), settings_.config, settings_.preprocessing,
                                   settings_.augmentation, pictures, labels, seed, batch_);
    if (!made) return made.error();
    return trainer_->step_normalised(batch_.input.data(), batch_.targets.data(),
                                     static_cast<int>(examples.size()), learning_rate, seed);
  }
  Status set_teacher(const DyvmConfig& config, Weights& weights) override {
    return trainer_->set_teacher(config, weights);
  }

 private:
  Batch batch_;
};

class Segmentation : public OfKind<SegmentationTrainer> {
 public:
  using OfKind::OfKind;
  Result<StepResult> step(const std::vector<TrainingExample>& examples, double learning_rate,
                          std::uint64_t seed) override {
    const Status made = make_windows(trainer_->operations(), settings_.config, settings_.augmentation,
                                     examples, seed, windows_);
    if (!made) return made.error();
    return trainer_->step(windows_.pixels.data(), windows_.labels.data(), static_cast<int>(examples.size()),
                          learning_rate, seed);
  }

 private:
  Windows windows_;
};

class Detection : public OfKind<DetectionTrainer> {
 public:
  using OfKind::OfKind;
  Result<StepResult> step(const std::vector<TrainingExample>& examples, double learning_rate,
                          std::uint64_t seed) override {
    const Status made = make_object_windows(trainer_->operations(), settings_.config, settings_.augmentation,
                                            examples, seed, windows_);
    if (!made) return made.error();
    return trainer_->step(windows_.pixels.data(), windows_.objects, static_cast<int>(examples.size()),
                          learning_rate, seed);
  }

 private:
  ObjectWindows windows_;
};

template <typename Task, typename Kind>
Result<std::unique_ptr<TaskTrainer>> make(const TrainingSettings& settings, Weights& weights,
                                          const std::string& device, int threads) {
  auto trainer = Kind::create(settings.config, weights, settings.trainer, device, threads);
  if (!trainer) return trainer.error();
  return std::unique_ptr<TaskTrainer>(std::make_unique<Task>(settings, std::move(*trainer)));
}

}  // namespace

Result<std::unique_ptr<TaskTrainer>> make_task_trainer(const TrainingSettings& settings, Weights& weights,
                                                       std::uint64_t seed, const std::string& device,
                                                       int threads) {
  if (settings.config.segmentation) {
    add_missing_of_segmenter(settings.config, weights, seed);
    return make<Segmentation, SegmentationTrainer>(settings, weights, device, threads);
  }
  if (settings.config.detection) {
    if (std::holds_alternative<OneStageHead>(*settings.config.detection))
      add_missing_of_detector(settings.config, weights, seed);
    return make<Detection, DetectionTrainer>(settings, weights, device, threads);
  }
  add_missing(settings.config, weights, seed);
  return make<Classification, Trainer>(settings, weights, device, threads);
}

}  // namespace winnow::train
