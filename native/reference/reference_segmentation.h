// The part of the reference backend that segmentation alone needs.
#pragma once

#include "reference/reference_maps.h"

namespace winnow {

class ReferenceSegmentation : public ReferenceMaps {
 public:
  void add_resized_taps(Tensor taps, Activation activation, Tensor out) override;
  void label_pixels(Tensor maps, const SlidingWindows& windows, int width, int height, int first_row,
                    TensorView<std::uint16_t> classes) override;
};

}  // namespace winnow
