#include "image/resize_crop.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace {

using Pixels = std::vector<std::uint8_t>;

// Folder of drawn pictures with what PIL makes of them. cases.txt lists its bicubic crops: name, width,
// height, resize, crop; smooth.txt its bilinear resizes: name, width, height, width and height of the result.
std::string drawn_folder() {
  const char* golden = std::getenv("WINNOW_GOLDEN");
  return std::string(golden != nullptr ? golden : WINNOW_GOLDEN_DIR) + "/preprocessing-drawn/";
}

Pixels read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Pixels crop_of(const Pixels& source, int width, int height, int resize, int crop) {
  Pixels target(static_cast<std::size_t>(crop) * crop * 3);
  REQUIRE(winnow::resize_and_crop(source.data(), width, height, resize, crop, target.data()));
  return target;
}

// The picture [height, width, 3] with its two axes exchanged.
Pixels transposed(const Pixels& source, int width, int height) {
  Pixels result(source.size());
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) result[(x * height + y) * 3 + c] = source[(y * width + x) * 3 + c];
    }
  }
  return result;
}

Pixels scattered(int width, int height) {
  Pixels result(static_cast<std::size_t>(width) * height * 3);
  std::uint32_t state = 1;
  for (auto& value : result) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<std::uint8_t>(state >> 24);
  }
  return result;
}

}  // namespace

TEST_CASE("resize_and_crop: drawn pictures give PIL's bytes") {
  std::ifstream cases(drawn_folder() + "cases.txt");
  std::string name;
  int width = 0, height = 0, resize = 0, crop = 0, count = 0;
  while (cases >> name >> width >> height >> resize >> crop) {
    CAPTURE(name);
    const Pixels source = read_file(drawn_folder() + name + ".source.rgb");
    const Pixels expected = read_file(drawn_folder() + name + ".crop.rgb");
    REQUIRE(source.size() == static_cast<std::size_t>(width) * height * 3);
    CHECK(crop_of(source, width, height, resize, crop) == expected);
    ++count;
  }
  CHECK(count == 10);
}

TEST_CASE("resize_and_crop: one colour stays that colour at any size") {
  for (const auto& [width, height] : {std::pair{1, 1}, {3, 500}, {640, 7}, {33, 31}, {300, 200}}) {
    Pixels source;
    for (int i = 0; i < width * height; ++i) source.insert(source.end(), {0, 127, 255});
    const Pixels target = crop_of(source, width, height, 48, 41);
    for (std::size_t i = 0; i < target.size(); i += 3) {
      REQUIRE(target[i] == 0);
      REQUIRE(target[i + 1] == 127);
      REQUIRE(target[i + 2] == 255);
    }
  }
}

TEST_CASE("resize_and_crop: equal sizes copy the centre") {
  const Pixels source = scattered(20, 16);
  const Pixels target = crop_of(source, 20, 16, 16, 11);
  // Margins 9 and 5, halved and rounded to even: 4 columns, 2 rows.
  for (int y = 0; y < 11; ++y) {
    for (int i = 0; i < 11 * 3; ++i) REQUIRE(target[y * 33 + i] == source[((y + 2) * 20 + 4) * 3 + i]);
  }
}

TEST_CASE("resize_and_crop: a mirrored picture gives the mirrored crop") {
  const int width = 53, height = 37;
  const Pixels source = scattered(width, height);
  Pixels mirrored(source.size());
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c)
        mirrored[(y * width + width - 1 - x) * 3 + c] = source[(y * width + x) * 3 + c];
    }
  }
  const int crop = 20;  // resized to 28x20: margins 8 and 0 are even, so both crops see the same pixels
  const Pixels plain = crop_of(source, width, height, 20, crop);
  const Pixels other = crop_of(mirrored, width, height, 20, crop);
  for (int y = 0; y < crop; ++y) {
    for (int x = 0; x < crop; ++x) {
      for (int c = 0; c < 3; ++c) {
        REQUIRE(plain[(y * crop + x) * 3 + c] == other[(y * crop + crop - 1 - x) * 3 + c]);
      }
    }
  }
}

TEST_CASE("resize_and_crop: the axes are treated alike where no rounding is in between") {
  // Stripes along one axis: the pass along the other axis changes nothing.
  const int width = 90, height = 60;
  Pixels stripes(static_cast<std::size_t>(width) * height * 3);
  for (std::size_t i = 0; i < stripes.size(); ++i) stripes[i] = static_cast<std::uint8_t>(i / 3 % width * 37);
  const Pixels across = crop_of(stripes, width, height, 26, 24);
  const Pixels down = crop_of(transposed(stripes, width, height), height, width, 26, 24);
  CHECK(transposed(across, 24, 24) == down);
}

TEST_CASE("resize_and_crop: an extremely long picture costs no more than its centre") {
  const Pixels source(3'000'000, 90);
  for (const std::uint8_t value : crop_of(source, 1'000'000, 1, 256, 224)) REQUIRE(value == 90);
  for (const std::uint8_t value : crop_of(source, 1, 1'000'000, 256, 224)) REQUIRE(value == 90);
}

TEST_CASE("resize_and_crop: impossible sizes are refused") {
  const Pixels source = scattered(4, 4);
  Pixels target(8 * 8 * 3);
  for (const auto& [width, height, resize, crop] :
       {std::tuple{0, 4, 8, 8}, {4, 0, 8, 8}, {4, 4, 8, 9}, {4, 4, 8, 0}, {-1, 4, 8, 8}}) {
    const winnow::Status status =
        winnow::resize_and_crop(source.data(), width, height, resize, crop, target.data());
    REQUIRE_FALSE(status);
    CHECK(status.error().code == winnow::ErrorCode::bad_argument);
  }
}

TEST_CASE("resize smooth: drawn pictures give PIL's bytes") {
  std::ifstream cases(drawn_folder() + "smooth.txt");
  std::string name;
  int width = 0, height = 0, target_width = 0, target_height = 0, count = 0;
  while (cases >> name >> width >> height >> target_width >> target_height) {
    CAPTURE(name);
    const Pixels source = read_file(drawn_folder() + name + ".source.rgb");
    REQUIRE(source.size() == static_cast<std::size_t>(width) * height * 3);
    Pixels target(static_cast<std::size_t>(target_width) * target_height * 3);
    REQUIRE(winnow::resize(source.data(), width, height, target_width, target_height,
                           winnow::ResizeFilter::smooth, target.data()));
    CHECK(target == read_file(drawn_folder() + name + ".smooth.rgb"));
    ++count;
  }
  CHECK(count == 8);
}

TEST_CASE("resize sampled: twice as wide lies a quarter between, edges repeat, a half is rounded up") {
  const Pixels source = {0, 10, 255, 4, 12, 1};
  Pixels target(2 * 4 * 3);
  REQUIRE(winnow::resize(source.data(), 2, 1, 4, 2, winnow::ResizeFilter::sampled, target.data()));
  // 255 + (1 - 255) / 4 = 191.5, 255 - 254 * 3 / 4 = 64.5; 10 + 2 / 4 = 10.5, 11.5
  const Pixels row = {0, 10, 255, 1, 11, 192, 3, 12, 65, 4, 12, 1};
  CHECK(Pixels(target.begin(), target.begin() + 12) == row);
  CHECK(Pixels(target.begin() + 12, target.end()) == row);
}

TEST_CASE("resize: equal sizes copy; sampled takes the middle where every second pixel falls out") {
  const Pixels source = scattered(20, 16);
  for (const auto filter : {winnow::ResizeFilter::smooth, winnow::ResizeFilter::sampled}) {
    Pixels target(source.size());
    REQUIRE(winnow::resize(source.data(), 20, 16, 20, 16, filter, target.data()));
    CHECK(target == source);
  }
  Pixels half(10 * 8 * 3);
  REQUIRE(winnow::resize(source.data(), 20, 16, 10, 8, winnow::ResizeFilter::sampled, half.data()));
  for (int y = 0; y < 8; ++y)
    for (int i = 0; i < 10; ++i)
      for (int c = 0; c < 3; ++c) {
        const auto at = [&](int v, int u) { return source[((2 * y + v) * 20 + 2 * i + u) * 3 + c]; };
        REQUIRE(half[(y * 10 + i) * 3 + c] == (at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1) + 2) / 4);
      }
}

TEST_CASE("resize: sizes of nothing are refused") {
  const Pixels source = scattered(4, 4);
  Pixels target(4 * 4 * 3);
  for (const auto& [width, height, target_width, target_height] :
       {std::tuple{0, 4, 4, 4}, {4, 0, 4, 4}, {4, 4, 0, 4}, {4, 4, 4, -1}}) {
    const winnow::Status status = winnow::resize(source.data(), width, height, target_width, target_height,
                                                 winnow::ResizeFilter::smooth, target.data());
    REQUIRE_FALSE(status);
    CHECK(status.error().code == winnow::ErrorCode::bad_argument);
  }
}
