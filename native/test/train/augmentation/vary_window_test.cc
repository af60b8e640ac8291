// Windows of pictures and of their class maps stay together, whatever is done to them.
#include "train/augmentation/vary_window.h"

#include <doctest/doctest.h>

#include <vector>

using namespace winnow;
using namespace winnow::train;

namespace {

constexpr int kSide = 32;
constexpr Colour kFill = {7, 8, 9};

struct Labelled {
  int width, height;
  std::vector<std::uint8_t> pixels, labels;
  TrainingPicture picture() const { return {pixels.data(), width, height}; }
};

// The right half is class 1 and bright, the left class 0 and dark; a band on top has no label.
Labelled halves(int width, int height) {
  Labelled made{width, height, {}, {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const bool right = 2 * x >= width;
      made.pixels.insert(made.pixels.end(), 3, right ? 230 : 40);
      made.labels.push_back(y < height / 8 ? 255 : right ? 1 : 0);
    }
  return made;
}

struct Window {
  std::vector<std::uint8_t> pixels = std::vector<std::uint8_t>(3 * kSide * kSide),
                            labels = std::vector<std::uint8_t>(kSide * kSide);
};
Window vary(const WindowAugmentation& augmentation, const Labelled& from, std::uint64_t seed) {
  Window window;
  Random random(seed);
  REQUIRE(vary_window(augmentation, kSide, kSide, kFill, from.picture(), from.labels.data(), random,
                      window.pixels.data(), window.labels.data()));
  return window;
}

}  // namespace

TEST_CASE("the labels of a varied window are those of its pixels") {
  WindowAugmentation augmentation;
  augmentation.colour_jitter = 0.2;
  int padded = 0, mirrored = 0, labelled = 0;
  for (int seed = 0; seed < 60; ++seed) {
    const Labelled from = halves(50 + seed % 7, 40);
    const Window window = vary(augmentation, from, seed);
    int first = -1;
    for (int i = 0; i < kSide * kSide; ++i) {
      const std::uint8_t label = window.labels[i], value = window.pixels[3 * i];
      const bool fill = value == kFill[0] && window.pixels[3 * i + 1] == kFill[1];
      if (fill) CHECK(label == 255);
      padded += fill;
      if (label == 255) continue;
      REQUIRE(label < 2);
      ++labelled;
      if (first < 0) first = label;
      // Beside the edge between the halves a pixel is a mixture.
      const bool beside = (i % kSide > 0 && window.labels[i - 1] != label) ||
                          (i % kSide < kSide - 1 && window.labels[i + 1] != label);
      if (!beside) CHECK((value > 128) == (label == 1));
    }
    mirrored += first == 1;
  }
  CHECK(padded > 0);
  CHECK(mirrored > 5);
  CHECK(labelled > 60 * kSide * kSide / 4);
}

TEST_CASE("a window without variation is the resized picture, and a seed determines one with") {
  WindowAugmentation none{1.0, 1.0, false, 0.0};
  const Labelled from = halves(kSide, kSide);
  const Window same = vary(none, from, 1);
  CHECK(same.pixels == from.pixels);
  CHECK(same.labels == from.labels);
  WindowAugmentation all;
  all.colour_jitter = 0.3;
  CHECK(vary(all, from, 2).pixels == vary(all, from, 2).pixels);
  CHECK(vary(all, from, 2).labels == vary(all, from, 2).labels);
  CHECK(vary(all, from, 2).pixels != vary(all, from, 3).pixels);
}

TEST_CASE("a picture without pixels is refused") {
  Window window;
  Random random(1);
  CHECK(!vary_window({}, kSide, kSide, kFill, {nullptr, 0, 0}, nullptr, random, window.pixels.data(),
                     window.labels.data()));
}
