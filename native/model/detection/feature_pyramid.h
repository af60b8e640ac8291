// The simple feature pyramid (ViTDet, arXiv 2203.16527): maps of five sizes from the backbone's one.
#pragma once

#include <array>

#include "model/detection/detection_layers.h"

namespace winnow {

inline constexpr int kPyramidLevels = 5;
inline constexpr std::array<int, kPyramidLevels> kPyramidStrides = {4, 8, 16, 32, 64};  // pixels per cell
// Levels that regions are looked at on (level_of): all but the coarsest.
inline constexpr int kRegionLevels = 4;

using Pyramid = std::array<Tensor, kPyramidLevels>;  // [1, H, W, width], finest first

class FeaturePyramid {
 public:
  // From maps of embed_dim channels to maps of `width` channels.
  void load(LayerReader& layers, int embed_dim, int width);
  // Values that a scratch tensor needs for a backbone's map of grid x grid, an even number.
  std::size_t scratch_size(int grid) const;
  // feature [1, grid, grid, embed_dim].
  void run(Backend& backend, Tensor feature, const Pyramid& levels, const Scratch& scratch) const;

 private:
  // What every level but the coarsest ends with.
  struct Outlet {
    NormedConvolution narrow, smooth;  // 1 x 1, 3 x 3
  };
  static void leave(Backend& backend, Tensor x, const Outlet& outlet, Tensor between, Tensor out);

  int embed_dim_ = 0, width_ = 0;
  std::unique_ptr<Upsampling> finest_first_, finest_second_, finer_;
  ChannelNorm finest_norm_;
  Outlet outlets_[kPyramidLevels - 1];
};

}  // namespace winnow
