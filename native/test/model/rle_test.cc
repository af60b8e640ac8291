#include "model/rle.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

using namespace winnow;

namespace {

// The runs of compressed counts.
std::vector<std::int64_t> runs_of(const std::string& counts) {
  std::vector<std::int64_t> runs;
  for (std::size_t i = 0; i < counts.size();) {
    std::int64_t value = 0;
    int shift = 0;
    while (true) {
      const int bits = counts[i++] - 48;
      value |= static_cast<std::int64_t>(bits & 31) << shift;
      shift += 5;
      if ((bits & 32) != 0) continue;
      if ((bits & 16) != 0) value |= -(static_cast<std::int64_t>(1) << shift);
      break;
    }
    runs.push_back(runs.size() > 2 ? value + runs[runs.size() - 2] : value);
  }
  return runs;
}

// Column by column, as the counts go.
std::vector<bool> bitmap_of(const Mask& mask) {
  std::vector<bool> bits;
  bool value = false;
  std::int64_t area = 0;
  for (const std::int64_t run : runs_of(mask.counts)) {
    REQUIRE(run >= 0);
    bits.insert(bits.end(), static_cast<std::size_t>(run), value);
    if (value) area += run;
    value = !value;
  }
  CHECK(area == mask.area);
  return bits;
}

Mask mask_of(const std::vector<bool>& bits) {
  MaskEncoder encoder;
  for (std::size_t i = 0; i < bits.size(); ++i)
    if (bits[i]) encoder.add_ones(static_cast<std::int64_t>(i), static_cast<std::int64_t>(i) + 1);
  return encoder.finish(static_cast<std::int64_t>(bits.size()));
}

// paste_mask pixel by pixel.
std::vector<bool> pasted(const std::vector<float>& cells, int side, const float box[4], int width, int height,
                         float threshold) {
  const auto cell = [&](int y, int x) {
    return y < 0 || x < 0 || y >= side || x >= side ? 0.0 : static_cast<double>(cells[y * side + x]);
  };
  std::vector<bool> bits;
  for (int x = 0; x < width; ++x)
    for (int y = 0; y < height; ++y) {
      const double u = (x + 0.5 - box[0]) / (box[2] - box[0]) * side - 0.5;
      const double v = (y + 0.5 - box[1]) / (box[3] - box[1]) * side - 0.5;
      const int left = static_cast<int>(std::floor(u)), top = static_cast<int>(std::floor(v));
      const double across = u - left, down = v - top;
      const double upper = cell(top, left) * (1 - across) + cell(top, left + 1) * across;
      const double lower = cell(top + 1, left) * (1 - across) + cell(top + 1, left + 1) * across;
      bits.push_back(upper * (1 - down) + lower * down >= threshold);
    }
  return bits;
}

}  // namespace

TEST_CASE("rle: counts by hand") {
  MaskEncoder none, all, middle, bits;
  CHECK(none.finish(6).counts == "6");
  all.add_ones(0, 4);
  CHECK(all.finish(4).counts == "04");
  // 40 = 01 01000: the low five bits with "more" (8 + 32), then 1.
  middle.add_ones(40, 41);
  const Mask one = middle.finish(81);
  CHECK(one.counts == "X11X1");
  CHECK(one.area == 1);
  // Runs 1 2 3 1 5: from the fourth on as differences, 1 - 2 = -1 and 5 - 3 = 2.
  bits.add_ones(1, 3);
  bits.add_ones(6, 7);
  CHECK(bits.finish(12).counts == "123O2");
  // 16 needs a second character, as its sign bit would be set; -17 as well.
  MaskEncoder sixteen;
  sixteen.add_ones(16, 36);
  sixteen.add_ones(37, 40);
  CHECK(sixteen.finish(40).counts == "`0d01_O");
}

TEST_CASE("rle: what is encoded comes back, adjacent runs are one") {
  std::mt19937 random(1);
  for (int size : {1, 2, 63, 5000})
    for (double share : {0.0, 0.01, 0.5, 0.99, 1.0}) {
      std::vector<bool> bits(size);
      std::bernoulli_distribution one(share);
      for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = one(random);
      const Mask mask = mask_of(bits);
      CHECK(bitmap_of(mask) == bits);
      const auto runs = runs_of(mask.counts);
      for (std::size_t i = 1; i < runs.size(); ++i) CHECK(runs[i] > 0);
    }
  MaskEncoder long_runs;
  long_runs.add_ones(3'000'000'000, 9'000'000'000);
  CHECK(runs_of(long_runs.finish(10'000'000'000).counts) ==
        std::vector<std::int64_t>{3'000'000'000, 6'000'000'000, 1'000'000'000});
}

TEST_CASE("paste_mask: the same pixels as one by one") {
  std::mt19937 random(2);
  std::uniform_real_distribution<float> probability(0, 1);
  const int width = 61, height = 47;
  for (const auto& box : std::vector<std::vector<float>>{{3.2f, 4.9f, 50.1f, 44.4f},
                                                         {0, 0, 61, 47},
                                                         {10, 10, 11.5f, 40},
                                                         {20.25f, 7.75f, 20.75f, 8.25f},
                                                         {58, 40, 61, 47}})
    for (int side : {1, 5, 28}) {
      std::vector<float> cells(side * side);
      for (float& cell : cells) cell = probability(random);
      const Mask mask = paste_mask(cells.data(), side, box.data(), width, height, 0.5f);
      CHECK(bitmap_of(mask) == pasted(cells, side, box.data(), width, height, 0.5f));
    }
}

TEST_CASE("paste_map: the pixels of a map that is no square, but for those whose centre is not in the crop") {
  std::mt19937 random(5);
  std::uniform_real_distribution<float> uniform(0.0f, 1.0f);
  for (int trial = 0; trial < 50; ++trial) {
    CAPTURE(trial);
    const int rows = 1 + trial % 7, columns = 1 + trial % 5, width = 23, height = 19;
    std::vector<float> cells(static_cast<std::size_t>(rows) * columns);
    for (float& cell : cells) cell = uniform(random);
    const float left = -5.0f + 10.0f * uniform(random), top = -5.0f + 10.0f * uniform(random);
    const MaskMap map{
        cells.data(),
        rows,
        columns,
        {left, top, left + 1.0f + 25.0f * uniform(random), top + 1.0f + 25.0f * uniform(random)}};
    const float x = 12.0f * uniform(random), y = 12.0f * uniform(random);
    const float crop[] = {x, y, x + 12.0f * uniform(random), y + 12.0f * uniform(random)};
    std::vector<bool> expected;
    const auto cell = [&](int r, int c) {
      return r < 0 || c < 0 || r >= rows || c >= columns ? 0.0 : static_cast<double>(cells[r * columns + c]);
    };
    for (int i = 0; i < width; ++i)
      for (int j = 0; j < height; ++j) {
        const double u = (i + 0.5 - map.place[0]) / (map.place[2] - map.place[0]) * columns - 0.5;
        const double v = (j + 0.5 - map.place[1]) / (map.place[3] - map.place[1]) * rows - 0.5;
        const int c = static_cast<int>(std::floor(u)), r = static_cast<int>(std::floor(v));
        const double across = u - c, down = v - r;
        const double upper = cell(r, c) * (1 - across) + cell(r, c + 1) * across;
        const double lower = cell(r + 1, c) * (1 - across) + cell(r + 1, c + 1) * across;
        const bool inside =
            i + 0.5 >= crop[0] && i + 0.5 < crop[2] && j + 0.5 >= crop[1] && j + 0.5 < crop[3];
        expected.push_back(inside && upper * (1 - down) + lower * down >= 0.4);
      }
    CHECK(bitmap_of(paste_map(map, crop, width, height, 0.4f)) == expected);
  }
}

TEST_CASE("paste_mask: a full map fills its box, an empty box or one outside nothing") {
  const std::vector<float> ones(28 * 28, 1.0f), zeros(28 * 28, 0.0f);
  const float box[] = {10, 20, 40, 60}, empty[] = {10, 20, 10, 60}, outside[] = {200, 20, 300, 60};
  CHECK(paste_mask(ones.data(), 28, box, 100, 80, 0.5f).area == 30 * 40);
  for (const float* nothing : {empty, outside}) {
    const Mask mask = paste_mask(ones.data(), 28, nothing, 100, 80, 0.5f);
    CHECK(mask.area == 0);
    CHECK(runs_of(mask.counts) == std::vector<std::int64_t>{8000});
  }
  CHECK(paste_mask(zeros.data(), 28, box, 100, 80, 0.5f).area == 0);
}

TEST_CASE("ClassMapEncoder: the masks cut the picture into its classes") {
  std::mt19937 random(4);
  for (const auto& [width, height] : {std::pair{1, 1}, {1, 9}, {13, 1}, {37, 29}}) {
    std::vector<std::uint16_t> map(width * height);
    std::discrete_distribution<int> change({8, 1, 1});
    constexpr std::uint16_t kClasses[] = {0, 7, 65535};
    for (auto& value : map) value = kClasses[change(random)];
    ClassMapEncoder encoder(width);
    for (int y = 0; y < height; ++y) encoder.add_row(&map[y * width]);
    const auto masks = encoder.finish();
    std::vector<int> covered(map.size(), 0);
    int last = -1;
    for (const auto& [index, mask] : masks) {
      CHECK(index > last);
      last = index;
      CHECK(mask.area > 0);
      const std::vector<bool> bits = bitmap_of(mask);
      REQUIRE(bits.size() == map.size());
      for (int x = 0; x < width; ++x)
        for (int y = 0; y < height; ++y) {
          if (!bits[x * height + y]) continue;
          ++covered[y * width + x];
          CHECK(map[y * width + x] == index);
        }
    }
    for (const int times : covered) CHECK(times == 1);
  }
}
