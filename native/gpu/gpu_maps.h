// The part of the GPU backend that works on feature maps, and the opened GPU that the rest of it shares.
#pragma once

#include "gpu/gpu.h"
#include "ops/backend.h"

namespace winnow::gpu {

class GpuMaps : public Backend {
 public:
  explicit GpuMaps(Gpu gpu);

  Result<std::unique_ptr<Convolution>> make_convolution(const float* weight, const float* bias, int outputs,
                                                        int inputs, int kernel) override;
  Result<std::unique_ptr<Upsampling>> make_upsampling(const float* weight, const float* bias, int inputs,
                                                      int outputs) override;
  void add_resized_taps(Tensor taps, Activation activation, Tensor out) override;
  void label_pixels(Tensor maps, const SlidingWindows& windows, int width, int height, int first_row,
                    TensorView<std::uint16_t> classes) override;
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

 protected:
  Gpu gpu_;

 private:
  // A kernel with a thread for each value of `out`.
  void change_map(Kernel kernel, Tensor x, Tensor out, bool add = false);
  int tile_of(int pixels, std::size_t bytes, int outputs) const;
  // rows_ = the kernel x kernel pixels around each of `count` pixels of x, from the `first` on.
  void unfold(Tensor x, int kernel, int first, int count);
  // out [count, outputs] = rows_ [count, inputs] weight^T.
  void multiply(const Half* weight, int count, int inputs, int outputs, float* out);

  std::size_t tile_bytes_;       // that a tile of pixels takes of each of the two below
  Buffer<Half> rows_;            // of the left factor of a product
  Buffer<float> products_;       // that are still to be placed
  Buffer<RoiPlace> places_;      // of boxes
  Buffer<std::int32_t> starts_;  // of sliding windows
};

}  // namespace winnow::gpu
