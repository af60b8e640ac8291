// Numbers and shapes, odd ones among them, that the training operations are tested with.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "train/operations/operations.h"
#include "train/operations/reference_operations.h"
#include "train/random.h"

namespace winnow::train {

using Doubles = std::vector<double>;

inline Doubles numbers(std::size_t count, Random& random, double scale = 1.0) {
  Doubles values(count);
  for (double& value : values) value = scale * random.normal();
  return values;
}

inline double weighted(const Doubles& values, const Doubles& weights) {
  double sum = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) sum += values[i] * weights[i];
  return sum;
}

// `gradient` of loss() with respect to `x`, which loss reads, against central differences.
inline void check_differences(const std::string& name, Doubles& x, const Doubles& gradient,
                              const std::function<double()>& loss) {
  constexpr double kStep = 1e-5;
  double worst = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double before = x[i];
    x[i] = before + kStep;
    const double above = loss();
    x[i] = before - kStep;
    const double below = loss();
    x[i] = before;
    const double expected = (above - below) / (2.0 * kStep);
    worst = std::max(worst, std::abs(expected - gradient[i]) / std::max(1.0, std::abs(expected)));
  }
  CAPTURE(name);
  CHECK(worst < 1e-7);
}

struct ScanData {
  ScanShape shape;
  Doubles steps, u, b, c, state_matrix, skip, d_y;
  ScanData(const ScanShape& s, Random& random) : shape(s) {
    const std::size_t wide = static_cast<std::size_t>(s.tokens) * s.channels,
                      narrow = static_cast<std::size_t>(s.tokens) * s.matrix_stride;
    steps = numbers(wide, random, 2.0);
    u = numbers(wide, random);
    b = numbers(narrow, random);
    c = numbers(narrow, random);
    state_matrix = numbers(static_cast<std::size_t>(s.states) * s.channels, random);
    for (double& rate : state_matrix) rate = -std::exp(rate);
    skip = numbers(s.channels, random);
    d_y = numbers(wide, random);
  }
  ScanInputsOf<double> inputs() const {
    return {steps.data(), u.data(), b.data(), c.data(), state_matrix.data(), skip.data()};
  }
};

inline const std::vector<ScanShape> kScans = {{1, 3, 2, 2, false},
                                              {5, 7, 3, 5, true},
                                              {8, 16, 16, 19, false},
                                              {13, 21, 16, 16, true},
                                              {17, 5, 1, 4, false}};
inline const std::vector<ConvolutionShape> kConvolutions = {
    {1, 3, 4, 5, 1, false},  {7, 5, 4, 6, 7, true},    {9, 17, 4, 40, 5, true}, {9, 17, 4, 40, 5, false},
    {6, 19, 3, 19, 4, true}, {5, 33, 1, 33, 3, false}, {4, 6, 4, 6, 0, true}};

}  // namespace winnow::train
