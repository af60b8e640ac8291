// The golden program's own comparisons.
#include "test/golden/golden_support.h"

#include <doctest/doctest.h>

using namespace winnow;

namespace {

// [side, side, C], every value another.
std::vector<float> numbered(int side, int channels) {
  std::vector<float> map(static_cast<std::size_t>(side) * side * channels);
  for (std::size_t i = 0; i < map.size(); ++i) map[i] = static_cast<float>(i);
  return map;
}

// What was recorded of `map`: [C, H, W] of the rows and columns 0, step, 2 step, ...
Recorded recorded_of(const std::vector<float>& map, int side, int channels, int step) {
  Recorded recorded;
  const int positions = side / step + (side % step != 0);
  recorded.shape = {channels, positions, positions};
  for (int c = 0; c < channels; ++c)
    for (int i = 0; i < positions; ++i)
      for (int j = 0; j < positions; ++j)
        recorded.values.push_back(map[(i * step * side + j * step) * channels + c]);
  return recorded;
}

}  // namespace

TEST_CASE("a map of which every n-th place was recorded is compared, also where its side is no multiple") {
  // The sides of the pyramid of a 480-pixel model, and what a recording keeps of them.
  for (const auto& [side, step] : {std::pair{120, 16}, {60, 8}, {30, 4}, {15, 2}, {8, 1}, {16, 4}}) {
    CAPTURE(side);
    const std::vector<float> map = numbered(side, 3);
    Recorded recorded = recorded_of(map, side, 3, step);
    CHECK(compare_map("map", recorded, map, step, 1e-9).passed);
    recorded.values.back() += 100.0;
    CHECK(!compare_map("map", recorded, map, step, 1e-9).passed);
  }
}

TEST_CASE("a map of another size differs from what was recorded") {
  const Recorded recorded = recorded_of(numbered(16, 2), 16, 2, 4);
  CHECK(!compare_map("map", recorded, numbered(20, 2), 4, 1e9).passed);
  CHECK(!compare_map("map", recorded, std::vector<float>(7), 4, 1e9).passed);
}
