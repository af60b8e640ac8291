// A light head for small data: LayerNorm, a projection of the map to twice its size, two 3 x 3 convolutions,
// each with a LayerNorm over the channels behind it, and the classes. Scores come at twice the patches' grid.
#pragma once

#include <memory>
#include <string>

#include "model/segmentation/map_head.h"

namespace winnow {

inline constexpr float kMapEpsilon = 1e-5f;  // of every norm of this head

class ConvolutionHead : public MapHead {
 public:
  ConvolutionHead(const DyvmConfig& config, Backend& backend)
      : config_(config), backend_(backend), constants_(backend), width_(config.segmentation->width) {}

  void load(TensorReader& read) override;
  int side() const override { return 2 * config_.grid(); }
  void plan(Workspace& workspace) override;
  void run(const std::vector<Tensor>& features, Tensor scores) override;

 private:
  struct Norm {
    float *weight, *bias;  // in the backend's memory
  };
  void norm(Tensor map, const Norm& norm, Activation activation, Tensor out) {
    backend_.norm_channels(map, norm.weight, norm.bias, kMapEpsilon, activation, out);
  }

  DyvmConfig config_;
  Backend& backend_;
  Workspace constants_;
  int width_;
  Norm first_, projected_, smoothed_[2];
  std::unique_ptr<Upsampling> projection_;
  std::unique_ptr<Convolution> smooth_[2], classes_;
  Tensor normed_, map_, other_;
};

}  // namespace winnow
