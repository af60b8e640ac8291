// The network that draws the mask of a found object (Mask R-CNN, arXiv 1703.06870).
#pragma once

#include <vector>

#include "model/detection/best_boxes.h"
#include "model/detection/detection_layers.h"

namespace winnow {

inline constexpr int kMaskSide = 28;  // cells of a mask, which cover its box

class MaskHead {
 public:
  // For maps of `width` channels.
  void load(LayerReader& layers, int width, int classes);
  // Values that a scratch tensor needs.
  std::size_t scratch_size() const;
  // probabilities [boxes, kMaskSide, kMaskSide] of each box's own class; levels [1, H, W, width], of strides
  // 4, 8, 16 and 32. Fails as Backend::wait.
  Status run(Backend& backend, std::span<const Tensor> levels, std::span<const ScoredBox> boxes,
             const Scratch& scratch, std::vector<float>& probabilities);

 private:
  int width_ = 0, classes_ = 0;
  NormedConvolution convolutions_[4];
  std::unique_ptr<Upsampling> upsampling_;
  std::unique_ptr<Convolution> predict_;
  std::vector<Box> aligned_;  // a batch's boxes, and their levels
  std::vector<int> levels_;
  std::vector<float> logits_;  // host copy of a batch's [28, 28, classes]
};

}  // namespace winnow
