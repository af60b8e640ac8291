// The part of the reference backend that works on feature maps.
#pragma once

#include "ops/backend.h"

namespace winnow {

class ReferenceMaps : public Backend {
 public:
  Result<std::unique_ptr<Convolution>> make_convolution(const float* weight, const float* bias, int outputs,
                                                        int inputs, int kernel) override;
  Result<std::unique_ptr<Upsampling>> make_upsampling(const float* weight, const float* bias, int inputs,
                                                      int outputs) override;
  void convolve(Tensor x, const Convolution& weights, Activation activation, Tensor out) override;
  void upsample(Tensor x, const Upsampling& weights, Activation activation, Tensor out) override;
  void max_pool(Tensor x, Tensor out) override;
  void subsample(Tensor x, Tensor out) override;
  void average_pool(Tensor x, Tensor out) override;
  void resize_map(Tensor x, Tensor out, bool add) override;
  void concatenate(std::span<const Tensor> maps, Tensor out) override;
  void norm_channels(Tensor x, const float* weight, const float* bias, float epsilon, Activation activation,
                     Tensor out) override;
  void roi_align(std::span<const Tensor> levels, std::span<const int> strides, const float* boxes,
                 const int* level, int count, Tensor out) override;
};

}  // namespace winnow
