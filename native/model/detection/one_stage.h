// Detection in one stage, without anchors: every place of a simple feature pyramid (ViTDet, arXiv 2203.16527)
// says what it sees and how far the edges of its box are (FCOS, arXiv 1904.01355), how well that box fits,
// and how the picture's prototypes mix to its mask (YOLACT, arXiv 1904.02689).
#pragma once

#include <array>

#include "model/detection/detection_network.h"
#include "model/detection/one_stage_boxes.h"

namespace winnow {

class OneStage : public DetectionNetwork {
 public:
  // For a config with a OneStageHead; the backend outlives the network.
  OneStage(const DyvmConfig& config, Backend& backend);

  void load(LayerReader& layers) override;
  void plan(Workspace& workspace) override;
  Result<std::vector<ScoredBox>> find(Tensor feature, const DetectionCall& call) override;
  Result<std::vector<Mask>> draw(std::span<const ScoredBox> found, const DetectionCall& call) override;
  void record(DetectionTrace& trace) const override;

 private:
  using Tower = std::vector<NormedConvolution>;
  // A level's way from the backbone's map to `width` channels.
  struct Outlet {
    NormedConvolution narrow, smooth;  // 1 x 1, 3 x 3
  };

  void load_tower(LayerReader& layers, Tower& tower, const std::string& name);
  void load_places(LayerReader& layers);
  void load_masks(LayerReader& layers);
  void leave(Tensor x, const Outlet& outlet, Tensor between, Tensor out);
  void make_pyramid(Tensor feature);
  // What the places of a level say.
  void predict_level(int level);
  // The map behind all layers of a tower, in scratch memory.
  Tensor climb(const Tower& tower, Tensor level);
  void make_prototypes();

  OneStageHead head_;
  int embed_dim_, grid_, classes_, patch_size_;
  Backend& backend_;

  std::unique_ptr<Upsampling> finer_;
  Outlet outlets_[kOneStageLevels];
  Tower class_tower_, box_tower_;
  std::unique_ptr<Linear> classify_, place_;
  NormedConvolution smooth_prototypes_;
  std::unique_ptr<Upsampling> double_prototypes_;
  ChannelNorm doubled_norm_;
  std::unique_ptr<Convolution> mix_;

  using Levels = std::array<Tensor, kOneStageLevels>;  // finest first
  Levels levels_;                                      // [1, H, W, width]
  Levels class_logits_;                                // [1, H W, classes]
  Levels predictions_;                                 // [1, H W, 5 + prototypes]
  Scratch scratch_;
  Tensor prototypes_;  // [1, 4g, 4g, prototypes]

  OneStageOutputs outputs_;
  std::vector<float> host_prototypes_;
};

}  // namespace winnow
