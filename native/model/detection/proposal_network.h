// The network that says which anchors hold an object (Faster R-CNN, arXiv 1506.01497).
#pragma once

#include <vector>

#include "model/detection/detection_layers.h"
#include "model/detection/feature_pyramid.h"
#include "model/detection/proposals.h"

namespace winnow {

class ProposalNetwork {
 public:
  // For maps of `width` channels.
  void load(LayerReader& layers, int width);
  // Values that a scratch tensor needs for a finest map of side x side.
  std::size_t scratch_size(int side) const { return static_cast<std::size_t>(side) * side * width_; }
  // outputs: room for the finest map's [1, H W, kAnchorOutputs]. The proposals are valid until the next call.
  // Fails as Backend::wait.
  Result<std::span<const Proposal>> run(Backend& backend, const Pyramid& levels, PictureSize picture,
                                        const Scratch& scratch, Tensor outputs);

 private:
  int width_ = 0;
  std::unique_ptr<Convolution> first_, second_;
  std::unique_ptr<Linear> predict_;  // the logits of a cell's anchors, then their corrections
  std::vector<float> host_;          // copy of a level's outputs
  ProposalSelection selection_;
};

}  // namespace winnow
