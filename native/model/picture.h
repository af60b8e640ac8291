// Pictures as models take them.
#pragma once

#include <cstdint>

namespace winnow {

struct PictureSize {
  int width = 0, height = 0;  // pixels
};

// What a window of side x side pixels shows of a picture of RGB bytes [height, width, 3], as
// out [3, side, side] = (value / 255 - mean) / std, zero where the window reaches beyond the picture.
void normalise_window(const std::uint8_t* pixels, PictureSize size, int left, int top, int side,
                      const float mean[3], const float std[3], float* out);

}  // namespace winnow
