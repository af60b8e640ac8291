// The part of the GPU backend that works on feature maps, and what the rest of it shares with that part.
#pragma once

#include "gpu/gpu.h"
#include "gpu/operation_times.h"
#include "ops/backend.h"

namespace winnow::gpu {

class GpuMaps : public Backend {
 public:
  explicit GpuMaps(Gpu gpu);

  WINNOW_MAP_OPERATIONS;

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
