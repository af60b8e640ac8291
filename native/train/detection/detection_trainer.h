// Trains a detector in one stage step by step. A step is determined by the state, its pictures, its seed and
// the processor's instruction set; how many threads compute it changes nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "train/detection/trained_one_stage_head.h"
#include "train/network/dense_network.h"
#include "train/trainer/trainer.h"

namespace winnow::train {

// Of an image, locations whose masks are learnt in a step (YOLACT, arXiv 1904.02689, has as many).
inline constexpr int kMostMasks = 100;

class DetectionTrainer {
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

  const DyvmConfig& config() const { return network_->config(); }
  const ParameterTable& table() const { return network_->table(); }
  Operations& operations() { return *operations_; }
  // What a later trainer goes on from, bit for bit.
  const OptimiserState& state() const { return state_; }
  // Fails with bad_argument when it is not of this model.
  Status restore(OptimiserState state);
  // Checkpoint tensors of the weights, or of their moving average.
  Weights weights() const { return table().write(state_.weights); }
  Weights averaged_weights() const { return table().write(state_.average); }

  // Memory of the last step without the weights and moments.
  std::size_t bytes() const;

 private:
  DetectionTrainer(const TrainerSettings& settings) : settings_(settings) {}
  Status check_objects(const std::vector<std::vector<TrainingObject>>& objects, int images) const;
  // The losses of all images, d_outputs_ and d_scales_.
  void compare_objects(const std::vector<std::vector<TrainingObject>>& objects, StepResult& result);

  TrainerSettings settings_;
  std::unique_ptr<Operations> operations_;
  std::unique_ptr<DenseNetwork> network_;
  std::unique_ptr<TrainedOneStageHead> head_;
  std::vector<float> input_, gradients_;
  AlignedFloats d_outputs_;
  double d_scales_[kOneStageLevels] = {};
  std::vector<AlignedFloats> d_maps_;
  OptimiserState state_;
};

// New weights of a detector in one stage, determined by the seed: those that `weights` lacks or has in
// another shape. At first every class has the probability 0.01 everywhere (arXiv 1708.02002, section 4.1),
// and every level's scale is 1.
void add_missing_of_detector(const DyvmConfig& config, Weights& weights, std::uint64_t seed);

}  // namespace winnow::train
