// What tests of detectors say of boxes.
#pragma once

#include <doctest/doctest.h>

#include <limits>

#include "model/detection/boxes.h"

namespace winnow {

inline constexpr float kNothing = std::numeric_limits<float>::quiet_NaN();  // in a place that sees nothing

inline void check_box(const Box& box, const Box& expected) {
  CHECK(box.x0 == doctest::Approx(expected.x0));
  CHECK(box.y0 == doctest::Approx(expected.y0));
  CHECK(box.x1 == doctest::Approx(expected.x1));
  CHECK(box.y1 == doctest::Approx(expected.y1));
}

}  // namespace winnow
