// Where ROIAlign samples along one axis: in fp32 and in torchvision's order of operations, as the number of
// samples jumps where a bin's width passes a whole number of cells.
#pragma once

#include <cmath>

namespace winnow {

struct RoiAxis {
  // A box from `low` to `high` input pixels on a map whose cells are `stride` wide, cut into `bins`.
  RoiAxis(float low, float high, int stride, int bins) {
    const float scale = 1.0f / static_cast<float>(stride);
    start = low * scale - 0.5f;
    const float extent = high * scale - 0.5f - start;
    width = extent / static_cast<float>(bins);
    samples = static_cast<int>(std::ceil(width));
  }
  // Of a sample, in cells.
  float position(int bin, int sample) const {
    return start + static_cast<float>(bin) * width +
           (static_cast<float>(sample) + 0.5f) * width / static_cast<float>(samples);
  }

  float start;
  float width;  // of a bin, in cells
  int samples;  // per bin; 0 or less for a box without extent
};

}  // namespace winnow
