#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "train/augmentation/mix.h"
#include "train/augmentation/recolour.h"
#include "train/network/initial_weights.h"
#include "train/session/batch.h"

using namespace winnow;
using namespace winnow::train;

namespace {

struct Drawn {
  int width, height;
  std::vector<std::uint8_t> pixels;
  TrainingPicture view() const { return {pixels.data(), width, height}; }
};

Drawn draw(int width, int height, std::uint64_t seed) {
  Random random(seed);
  Drawn drawn{width, height, std::vector<std::uint8_t>(3ull * width * height)};
  for (std::uint8_t& value : drawn.pixels) value = static_cast<std::uint8_t>(random.whole(256));
  return drawn;
}

DyvmConfig small_config(int side) {
  DyvmConfig c;
  c.image_size = c.trained_size = side;
  c.classes = 4;
  for (int i = 0; i < 3; ++i) c.mean[i] = 0.5f, c.std[i] = 0.25f;
  return c;
}

Augmentation everything() {
  Augmentation a;
  a.crop = Augmentation::Crop::resized;
  a.least_area = 0.2;
  a.flip = true;
  a.colour_jitter = 0.4;
  a.operations = 3;
  a.erasing = 0.5;
  a.mixup = 0.8;
  a.cut_mix = 1.0;
  a.smoothing = 0.1;
  return a;
}

Batch batch_of(int threads, std::uint64_t seed, const Augmentation& augmentation) {
  std::vector<Drawn> drawn;
  for (const auto& [width, height] : {std::pair{1, 1}, {1, 9}, {31, 7}, {16, 16}, {40, 25}})
    drawn.push_back(draw(width, height, 100 + width));
  std::vector<TrainingPicture> pictures;
  for (const Drawn& one : drawn) pictures.push_back(one.view());
#ifdef WINNOW_CPU
  auto operations = cpu_operations(threads);
#else
  auto operations = reference_operations();
  (void)threads;
#endif
  Batch batch;
  REQUIRE(make_batch(*operations, small_config(12), {14, 12}, augmentation, pictures, {0, 1, 2, 3, 1}, seed,
                     batch));
  return batch;
}

}  // namespace

TEST_CASE("a training batch is determined by its seed, whatever the number of threads") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Batch one = batch_of(1, seed, everything()), three = batch_of(3, seed, everything());
    CHECK(one.input == three.input);
    CHECK(one.targets == three.targets);
    CHECK(std::all_of(one.input.begin(), one.input.end(), [](float v) { return std::isfinite(v); }));
    for (int b = 0; b < 5; ++b) {
      const auto* row = one.targets.data() + 4 * b;
      CHECK(std::accumulate(row, row + 4, 0.0) == doctest::Approx(1.0));
      CHECK(*std::min_element(row, row + 4) >= 0.0f);
    }
  }
  CHECK(batch_of(1, 1, everything()).input != batch_of(1, 2, everything()).input);
}

TEST_CASE("a training batch refuses labels that are no classes and pictures without pixels") {
  auto operations = reference_operations();
  const Drawn drawn = draw(5, 5, 1);
  Batch batch;
  const auto made = [&](const TrainingPicture& picture, std::vector<int> labels) {
    return make_batch(*operations, small_config(4), {4, 4}, {}, {picture}, labels, 0, batch);
  };
  CHECK(made(drawn.view(), {0}));
  CHECK(!made(drawn.view(), {4}));
  CHECK(!made(drawn.view(), {-1}));
  CHECK(!made(drawn.view(), {}));
  CHECK(!made({drawn.pixels.data(), 0, 5}, {0}));
}

TEST_CASE("without a shift a shifted crop is the evaluation's, and beyond the edge it is black") {
  const Drawn drawn = draw(23, 17, 5);
  std::vector<std::uint8_t> plain(3 * 8 * 8), shifted(3 * 8 * 8);
  REQUIRE(resize_and_crop(drawn.pixels.data(), 23, 17, 10, 8, plain.data()));
  REQUIRE(resize_and_crop(drawn.pixels.data(), 23, 17, 10, 8, Shift{0, 0}, shifted.data()));
  CHECK(plain == shifted);
  // One pixel further: the columns move along.
  REQUIRE(resize_and_crop(drawn.pixels.data(), 23, 17, 10, 8, Shift{1, 0}, shifted.data()));
  for (int y = 0; y < 8; ++y)
    for (int i = 0; i < 3 * 7; ++i) CHECK(shifted[3 * 8 * y + i] == plain[3 * 8 * y + 3 + i]);
  REQUIRE(resize_and_crop(drawn.pixels.data(), 23, 17, 10, 8, Shift{0, 100}, shifted.data()));
  CHECK(std::all_of(shifted.begin(), shifted.end(), [](std::uint8_t v) { return v == 0; }));
}

TEST_CASE("the whole picture as a rectangle is resized as a whole; rectangles lie within pictures") {
  const Drawn drawn = draw(20, 20, 6);
  std::vector<std::uint8_t> whole(3 * 9 * 9), box(3 * 9 * 9);
  REQUIRE(resize_and_crop(drawn.pixels.data(), 20, 20, 9, 9, whole.data()));
  REQUIRE(resize_box(drawn.pixels.data(), 20, 20, {0, 0, 20, 20}, 9, box.data()));
  CHECK(whole == box);
  CHECK(!resize_box(drawn.pixels.data(), 20, 20, {1, 0, 20, 20}, 9, box.data()));
  CHECK(!resize_box(drawn.pixels.data(), 20, 20, {0, 0, 0, 5}, 9, box.data()));
  Random random(8);
  for (const auto& [width, height] : {std::pair{1, 1}, {1, 50}, {50, 1}, {33, 21}})
    for (int i = 0; i < 200; ++i) {
      const PictureBox b = draw_box(width, height, 0.08, random);
      CHECK(b.left >= 0);
      CHECK(b.top >= 0);
      CHECK(b.width >= 1);
      CHECK(b.height >= 1);
      CHECK(b.left + b.width <= width);
      CHECK(b.top + b.height <= height);
    }
}

TEST_CASE("mixed pictures and their labels have the same shares") {
  Random random(9);
  Augmentation a;
  a.cut_mix = 1.0;
  for (int i = 0; i < 50; ++i) {
    const Mix mix = draw_mix(a, 10, random);
    std::vector<float> one(300, 0.0f), other(300, 1.0f), label{1.0f, 0.0f}, other_label{0.0f, 1.0f};
    mix_pictures(mix, 10, one.data(), other.data());
    mix_targets(mix, 2, label.data(), other_label.data());
    CHECK(std::accumulate(one.begin(), one.end(), 0.0) / 300 == doctest::Approx(label[1]).epsilon(1e-5));
    CHECK(std::accumulate(other.begin(), other.end(), 0.0) / 300 == doctest::Approx(label[0]).epsilon(1e-5));
  }
  a.cut_mix = 0.0;
  a.mixup = 0.8;
  double sum = 0.0;
  for (int i = 0; i < 4000; ++i) sum += draw_mix(a, 10, random).share;
  CHECK(sum / 4000 == doctest::Approx(0.5).epsilon(0.05));
}

TEST_CASE("colours change as PIL changes them") {
  std::vector<std::uint8_t> pixel{200, 100, 50};
  const auto changed = [&](auto change) {
    std::vector<std::uint8_t> copy = pixel;
    change(copy.data());
    return copy;
  };
  using Bytes = std::vector<std::uint8_t>;
  CHECK(changed([](auto* p) { change_brightness(1, 0.5, p); }) == Bytes{100, 50, 25});
  CHECK(changed([](auto* p) { change_brightness(1, 2.0, p); }) == Bytes{255, 200, 100});
  // Grey of (200, 100, 50) is 124.
  CHECK(changed([](auto* p) { change_saturation(1, 0.0, p); }) == Bytes{124, 124, 124});
  CHECK(changed([](auto* p) { change_contrast(1, 0.0, p); }) == Bytes{124, 124, 124});
  CHECK(changed([](auto* p) { change_sharpness(1, 3.0, p); }) == pixel);
  CHECK(changed([](auto* p) { posterise(1, 1, p); }) == Bytes{128, 0, 0});
  CHECK(changed([](auto* p) { posterise(1, 8, p); }) == pixel);
  CHECK(changed([](auto* p) { posterise(1, 0, p); }) == Bytes{0, 0, 0});
  CHECK(changed([](auto* p) { solarise(1, 0, p); }) == Bytes{55, 155, 205});
  CHECK(changed([](auto* p) { solarise(1, 150, p); }) == Bytes{55, 100, 50});
  CHECK(changed([](auto* p) { solarise_add(1, 110, p); }) == Bytes{200, 210, 160});
  CHECK(changed([](auto* p) { stretch_contrast(1, p); }) == pixel);  // one value has nothing to stretch

  std::vector<std::uint8_t> ramp;  // 2 x 2
  for (int value : {10, 20, 30, 60})
    for (int channel = 0; channel < 3; ++channel) ramp.push_back(static_cast<std::uint8_t>(value));
  stretch_contrast(2, ramp.data());
  CHECK(ramp == Bytes{0, 0, 0, 51, 51, 51, 102, 102, 102, 255, 255, 255});
}

TEST_CASE("a warp moves pixels by whole steps exactly and fills what it uncovers") {
  const Drawn drawn = draw(7, 7, 11);
  std::vector<std::uint8_t> moved = drawn.pixels;
  warp(7, {}, {1, 2, 3}, moved.data());
  CHECK(moved == drawn.pixels);
  Affine right;
  right.c = -2.0;  // the pixel at x comes from x - 2
  warp(7, right, {1, 2, 3}, moved.data());
  for (int y = 0; y < 7; ++y)
    for (int x = 0; x < 7; ++x)
      for (int channel = 0; channel < 3; ++channel)
        CHECK(moved[3 * (7 * y + x) + channel] ==
              (x < 2 ? channel + 1 : drawn.pixels[3 * (7 * y + x - 2) + channel]));
  Affine quarter;  // a turn by 90 degrees, four times
  quarter.a = quarter.e = 0.0;
  quarter.b = 1.0;
  quarter.d = -1.0;
  moved = drawn.pixels;
  warp(7, quarter, {0, 0, 0}, moved.data());
  CHECK(moved != drawn.pixels);
  for (int i = 0; i < 3; ++i) warp(7, quarter, {0, 0, 0}, moved.data());
  CHECK(moved == drawn.pixels);
}

TEST_CASE("RandAugment works on pictures of every size") {
  for (int side : {1, 2, 3, 8})
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
      Drawn drawn = draw(side, side, seed);
      Random random(seed);
      rand_augment(side, 3, 10.0, {100, 100, 100}, random, drawn.pixels.data());
      jitter_colours(side, 1.0, random, drawn.pixels.data());
    }
  Drawn same = draw(8, 8, 1);
  const std::vector<std::uint8_t> before = same.pixels;
  Random random(2);
  rand_augment(8, 0, 9.0, {0, 0, 0}, random, same.pixels.data());
  CHECK(same.pixels == before);
}
