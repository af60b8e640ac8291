// The part of the cpu backend that segmentation alone needs.
#pragma once

#include "cpu/cpu_maps.h"

namespace winnow::cpu {

class CpuSegmentation : public CpuMaps {
 public:
  using CpuMaps::CpuMaps;

  void add_resized_taps(Tensor taps, Activation activation, Tensor out) override;
  void label_pixels(Tensor maps, const SlidingWindows& windows, int width, int height, int first_row,
                    TensorView<std::uint16_t> classes) override;

 private:
  AlignedBuffer rows_;  // per thread: between the two directions of a resizing
};

}  // namespace winnow::cpu
