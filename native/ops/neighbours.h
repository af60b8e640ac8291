// Bilinear interpolation along one axis, as PyTorch does it without aligned corners and without antialiasing.
#pragma once

#include <algorithm>

namespace winnow {

// The two cells of `from` between which cell i of `to` lies, and how much the second one counts.
struct Neighbours {
  int first, second;
  float share;

  static Neighbours of(int i, int from, int to) {
    const double position = std::max((i + 0.5) * (static_cast<double>(from) / to) - 0.5, 0.0);
    const int first = std::min(static_cast<int>(position), from - 1);
    return {first, std::min(first + 1, from - 1), static_cast<float>(position - first)};
  }
};

}  // namespace winnow
