// Trains a segmentation model with the light head step by step.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "train/segmentation/trained_convolution_head.h"
#include "train/trainer/dense_trainer.h"

namespace winnow::train {

class SegmentationTrainer : public DenseTrainer {
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

 private:
  explicit SegmentationTrainer(const TrainerSettings& settings) : DenseTrainer(settings) {}
  Status check_labels(const std::uint8_t* labels, int images) const;
  // Cross entropy over the labelled pixels of all images, and d_scores_.
  void compare_labels(const std::uint8_t* labels, int images, StepResult& result);
  void run_head(const std::vector<float>& weights, const float* map, int images) override;
  void run_backward(const float* map, AlignedFloats& d_map, std::vector<float>& gradients) override;
  std::size_t head_bytes() const override;

  std::unique_ptr<TrainedConvolutionHead> head_;
  AlignedFloats d_scores_;
};

// New weights of a segmentation model, determined by the seed: those that `weights` lacks or has for other
// classes.
void add_missing_of_segmenter(const DyvmConfig& config, Weights& weights, std::uint64_t seed);

}  // namespace winnow::train
