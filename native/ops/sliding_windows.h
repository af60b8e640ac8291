// The windows that a segmentation model sees of a picture (mmsegmentation's slide inference).
#pragma once

#include <algorithm>
#include <vector>

namespace winnow {

// Square windows over a picture, row by row. Those that would stick out are moved back inside; a picture that
// is smaller than a window lies in the upper left of its only one.
struct SlidingWindows {
  int width = 0, height = 0;     // of the picture, pixels
  int side = 0;                  // of a window
  std::vector<int> lefts, tops;  // of the columns and the rows of windows, ascending

  int count() const { return static_cast<int>(lefts.size() * tops.size()); }
  int left(int window) const { return lefts[window % lefts.size()]; }
  int top(int window) const { return tops[window / lefts.size()]; }

  // `stride` pixels from one to the next, 1 to `side`.
  static SlidingWindows over(int width, int height, int side, int stride) {
    return {width, height, side, along(width, side, stride), along(height, side, stride)};
  }

 private:
  static std::vector<int> along(int length, int side, int stride) {
    const int count = (std::max(length - side, 0) + stride - 1) / stride + 1;
    std::vector<int> starts(count);
    for (int i = 0; i < count; ++i) starts[i] = std::max(std::min(i * stride, length - side), 0);
    return starts;
  }
};

}  // namespace winnow
