// Trains a detector in one stage step by step.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "train/detection/trained_one_stage_head.h"
#include "train/trainer/dense_trainer.h"

namespace winnow::train {

// Of an image, locations whose masks are learnt in a step (YOLACT, arXiv 1904.02689, has as many).
inline constexpr int kMostMasks = 100;

class DetectionTrainer : public DenseTrainer {
 public:
  // `device`: "cpu" or "reference". Fails with bad_model, naming the tensor, or bad_argument.
  static Result<std::unique_ptr<DetectionTrainer>> create(const DyvmConfig& config, Weights& weights,
                                                          const TrainerSettings& settings,
                                                          const std::string& device, int threads);

  // One step on B >= 1 windows of the model's image size. pixels [B, S, S, 3]: RGB bytes; objects [B]: of
  // each image, which is background where there are none; `seed`: of the random decisions. Losses are sums
  // over the batch divided by its assigned locations, that of masks by those of them whose masks are learnt,
  // at least 1. The result's accuracy is the share of the assigned locations whose best class is their
  // object's. Fails with bad_argument for an object that is none, and with diverged when the loss is not
  // finite: then nothing has changed.
  Result<StepResult> step(const std::uint8_t* pixels, const std::vector<std::vector<TrainingObject>>& objects,
                          int images, double learning_rate, std::uint64_t seed);

 private:
  explicit DetectionTrainer(const TrainerSettings& settings) : DenseTrainer(settings) {}
  Status check_objects(const std::vector<std::vector<TrainingObject>>& objects, int images) const;
  // The losses of all images, d_outputs_ and d_scales_.
  void compare_objects(std::span<const std::vector<TrainingObject>> objects, StepResult& result);
  void run_head(const std::vector<float>& weights, const float* map, int images) override;
  void run_backward(const float* map, AlignedFloats& d_map, std::vector<float>& gradients) override;
  std::size_t head_bytes() const override;

  std::unique_ptr<TrainedOneStageHead> head_;
  AlignedFloats d_outputs_;
  double d_scales_[kOneStageLevels] = {};
};

// New weights of a detector in one stage, determined by the seed: those that `weights` lacks or has in
// another shape. At first every class has the probability 0.01 everywhere (arXiv 1708.02002, section 4.1),
// and every level's scale is 1.
void add_missing_of_detector(const DyvmConfig& config, Weights& weights, std::uint64_t seed);

}  // namespace winnow::train
