// Mask R-CNN (arXiv 1703.06870) and Cascade Mask R-CNN (arXiv 1906.09756) over a simple feature pyramid, as
// detectron2 runs them.
#pragma once

#include "model/detection/box_head.h"
#include "model/detection/detection_network.h"
#include "model/detection/feature_pyramid.h"
#include "model/detection/mask_head.h"
#include "model/detection/proposal_network.h"

namespace winnow {

class MaskRcnn : public DetectionNetwork {
 public:
  // For a config with a MaskRcnnHead; the backend outlives the network.
  MaskRcnn(const DyvmConfig& config, Backend& backend)
      : head_(std::get<MaskRcnnHead>(*config.detection)),
        embed_dim_(config.embed_dim),
        grid_(config.grid()),
        classes_(config.classes),
        backend_(backend) {}

  void load(LayerReader& layers) override;
  void plan(Workspace& workspace) override;
  Result<std::vector<ScoredBox>> find(Tensor feature, const DetectionCall& call) override;
  Result<std::vector<Mask>> draw(std::span<const ScoredBox> found, const DetectionCall& call) override;
  void record(DetectionTrace& trace) const override;

 private:
  // Those that regions are looked at on.
  std::span<const Tensor> region_levels() const { return {levels_.data(), kRegionLevels}; }

  MaskRcnnHead head_;
  int embed_dim_, grid_, classes_;
  Backend& backend_;
  FeaturePyramid pyramid_;
  ProposalNetwork proposal_network_;
  BoxHead boxes_;
  MaskHead masks_;
  Pyramid levels_;
  Scratch scratch_;
  Tensor anchor_outputs_;
  std::span<const Proposal> proposals_;
  ClassifiedBoxes classified_;
  std::vector<float> probabilities_;  // of the masks
};

}  // namespace winnow
