// Trains a segmentation model with the light head step by step. A step is determined by the state, its
// pictures, its seed and the processor's instruction set; how many threads compute it changes nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "train/network/dense_network.h"
#include "train/segmentation/trained_convolution_head.h"
#include "train/trainer/trainer.h"

namespace winnow::train {

class SegmentationTrainer {
 public:
  // `device`: "cpu" or "reference". Fails with bad_model, naming the tensor, or bad_argument.
  static Result<std::unique_ptr<SegmentationTrainer>> create(const DyvmConfig& config, Weights& weights,
                                                             const TrainerSettings& settings,
                                                             const std::string& device, int threads);

  // One step on B >= 1 windows of the model's image size. pixels [B, S, S, 3]: RGB bytes; labels [B, S, S]:
  // classes, 255 for pixels that count for nothing; `seed`: of the random decisions. The result's accuracy is
  // the share of the labelled pixels whose best class is their label. Fails with bad_argument for a label
  // that is no class, and with diverged when the loss is not finite: then nothing has changed.
  Result<StepResult> step(const std::uint8_t* pixels, const std::uint8_t* labels, int images,
                          double learning_rate, std::uint64_t seed);

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
  SegmentationTrainer(const TrainerSettings& settings) : settings_(settings) {}
  Status check_labels(const std::uint8_t* labels, int images) const;
  // Cross entropy over the labelled pixels of all images, and d_scores_.
  void compare_labels(const std::uint8_t* labels, int images, StepResult& result);

  TrainerSettings settings_;
  std::unique_ptr<Operations> operations_;
  std::unique_ptr<DenseNetwork> network_;
  std::unique_ptr<TrainedConvolutionHead> head_;
  std::vector<float> input_, gradients_;
  AlignedFloats d_scores_;
  std::vector<AlignedFloats> d_maps_;
  OptimiserState state_;
};

// New weights of a segmentation model, determined by the seed: those that `weights` lacks or has for other
// classes.
void add_missing_of_segmenter(const DyvmConfig& config, Weights& weights, std::uint64_t seed);

}  // namespace winnow::train
