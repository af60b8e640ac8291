#include "model/picture.h"

#include <algorithm>

namespace winnow {

void normalise_window(const std::uint8_t* pixels, PictureSize size, int left, int top, int side,
                      const float mean[3], const float std[3], float* out) {
  const int columns = std::min(side, size.width - left), rows = std::min(side, size.height - top);
  for (int c = 0; c < 3; ++c) {
    float values[256];
    for (int value = 0; value < 256; ++value)
      values[value] = (static_cast<float>(value) / 255.0f - mean[c]) / std[c];
    for (int y = 0; y < side; ++y, out += side) {
      const int there = y < rows ? columns : 0;
      const std::uint8_t* row = pixels + (static_cast<std::size_t>(top + y) * size.width + left) * 3 + c;
      for (int x = 0; x < there; ++x) out[x] = values[row[3 * x]];
      std::fill(out + there, out + side, 0.0f);
    }
  }
}

}  // namespace winnow
