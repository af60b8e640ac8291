#include "model/interpolate_map.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace winnow {
namespace {

// Weights of the four neighbours of a point, `fraction` behind the second of them: cubic convolution with
// a = -0.75, as PyTorch interpolates.
std::array<double, 4> cubic_weights(double fraction) {
  constexpr double a = -0.75;
  const auto near = [](double t) { return ((a + 2.0) * t - (a + 3.0)) * t * t + 1.0; };
  const auto far = [](double t) { return ((a * t - 5.0 * a) * t + 8.0 * a) * t - 4.0 * a; };
  return {far(fraction + 1.0), near(fraction), near(1.0 - fraction), far(2.0 - fraction)};
}

// One axis of an interpolation: the four cells and their weights for each of the new positions.
struct CubicAxis {
  CubicAxis(int from, int to) : cells(to), weights(to) {
    for (int i = 0; i < to; ++i) {
      const double position = (i + 0.5) * from / to - 0.5;
      const int below = static_cast<int>(std::floor(position));
      weights[i] = cubic_weights(position - below);
      for (int k = 0; k < 4; ++k) cells[i][k] = std::clamp(below - 1 + k, 0, from - 1);
    }
  }
  std::vector<std::array<int, 4>> cells;
  std::vector<std::array<double, 4>> weights;
};

}  // namespace

std::vector<float> interpolate_map(const float* map, int from, int to, int dim) {
  const CubicAxis axis(from, to);
  std::vector<float> out(static_cast<std::size_t>(to) * to * dim);
  for (int y = 0; y < to; ++y)
    for (int x = 0; x < to; ++x)
      for (int d = 0; d < dim; ++d) {
        double sum = 0.0;
        for (int i = 0; i < 4; ++i)
          for (int k = 0; k < 4; ++k)
            sum += axis.weights[y][i] * axis.weights[x][k] *
                   map[(static_cast<std::size_t>(axis.cells[y][i]) * from + axis.cells[x][k]) * dim + d];
        out[(static_cast<std::size_t>(y) * to + x) * dim + d] = static_cast<float>(sum);
      }
  return out;
}

}  // namespace winnow
