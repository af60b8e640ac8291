// The part of the GPU backend that works on feature maps, and what the rest of it shares with that part.
#pragma once

#include "gpu/gpu.h"
#include "gpu/operation_times.h"
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
  OperationTimes times_;
  // Memory of an operation.
  Buffer<Half> halves_{gpu_};
  Buffer<float> floats_{gpu_};

 private:
  // A kernel with a thread for each value of `out`.
  void change_map(Kernel kernel, Tensor x, Tensor out, bool add = false);
  int tile_of(int pixels, std::size_t bytes, int outputs) const;
  // halves_ = the kernel x kernel pixels around each of `count` pixels of x, from the `first` on.
  void unfold(Tensor x, int kernel, int first, int count);

  std::size_t tile_bytes_;  // that a tile of pixels takes of halves_, and of floats_
  Buffer<RoiPlace> indices_{gpu_};
  Buffer<std::int32_t> starts_{gpu_};  // of sliding windows
};

}  // namespace winnow::gpu
