// Checks of every operation on feature maps that any backend must pass: the same as the reference on odd
// shapes, and what can be said without computing it.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <vector>

#include "reference/reference_backend.h"
#include "test/backend/backend_checks.h"

namespace winnow {

// A map and its numbers.
struct Map {
  Map(int images, int height, int width, int channels)
      : images(images),
        height(height),
        width(width),
        channels(channels),
        values(static_cast<std::size_t>(images) * height * width * channels) {}
  static Map random(int images, int height, int width, int channels, unsigned seed) {
    Map map(images, height, width, channels);
    map.values = random_values(map.values.size(), 1.0, seed);
    return map;
  }
  operator Tensor() { return {values.data(), {images, height, width, channels}}; }
  float at(int b, int y, int x, int c) const {
    return values[((static_cast<std::size_t>(b) * height + y) * width + x) * channels + c];
  }
  int images, height, width, channels;
  std::vector<float> values;
};

struct MapShape {
  int images, height, width, channels;
};

struct MapChecks {
  // Runs `compute` on the reference and on other backends and compares what it returns; products may be of
  // numbers of 16 bits.
  std::function<void(const std::function<Map(Backend&)>& compute, bool has_products)> compare_with;
  // Runs `check` with each of them.
  std::function<void(const std::function<void(Backend&)>& check)> with_each;
  std::vector<MapShape> shapes;

  static constexpr Activation kActivations[] = {Activation::none, Activation::gelu, Activation::relu};

  void compare(const std::function<Map(Backend&)>& compute, bool has_products = false) const {
    compare_with(compute, has_products);
  }

  void convolve() const {
    for (const auto& [images, height, width, channels] : shapes)
      for (int kernel : {1, 3, 5}) {
        const int outputs = channels % 2 == 0 ? 19 : 32;
        Map x = Map::random(images, height, width, channels, 1);
        const auto weight = random_values(1ull * outputs * channels * kernel * kernel, 1.0, 2);
        const auto bias = random_values(outputs, 1.0, 3);
        for (Activation activation : kActivations)
          compare(
              [&](Backend& backend) {
                auto made = backend.make_convolution(weight.data(),
                                                     activation == Activation::none ? nullptr : bias.data(),
                                                     outputs, channels, kernel);
                REQUIRE(made);
                CHECK((*made)->kernel == kernel);
                Map out(images, height, width, outputs);
                backend.convolve(x, **made, activation, out);
                return out;
              },
              true);
      }
  }

  // The identity kernel copies, a shifted one moves in zeros.
  void convolve_places() const {
    with_each([](Backend& backend) {
      Map x = Map::random(2, 40, 31, 2, 1);
      for (float& value : x.values) value = std::round(8 * value) / 8;  // the same with 16 bits
      for (const auto& [down, across] : {std::pair{0, 0}, {1, -1}, {-1, 1}}) {
        std::vector<float> weight(2 * 2 * 9, 0.0f);
        for (int c = 0; c < 2; ++c) weight[(c * 2 + c) * 9 + (1 + down) * 3 + 1 + across] = 1.0f;
        auto made = backend.make_convolution(weight.data(), nullptr, 2, 2, 3);
        REQUIRE(made);
        Map out(2, 40, 31, 2);
        backend.convolve(x, **made, Activation::none, out);
        for (int b = 0; b < 2; ++b)
          for (int y = 0; y < 40; ++y)
            for (int column = 0; column < 31; ++column) {
              const int v = y + down, u = column + across;
              const bool inside = v >= 0 && v < 40 && u >= 0 && u < 31;
              REQUIRE(out.at(b, y, column, 1) == (inside ? x.at(b, v, u, 1) : 0.0f));
            }
      }
    });
  }

  void upsample() const {
    for (const auto& [images, height, width, channels] : shapes) {
      const int outputs = channels % 2 == 0 ? 19 : 32;
      Map x = Map::random(images, height, width, channels, 1);
      const auto weight = random_values(4ull * channels * outputs, 1.0, 2),
                 bias = random_values(outputs, 1.0, 3);
      for (Activation activation : kActivations)
        compare(
            [&](Backend& backend) {
              auto made = backend.make_upsampling(
                  weight.data(), activation == Activation::none ? nullptr : bias.data(), channels, outputs);
              REQUIRE(made);
              Map out(images, 2 * height, 2 * width, outputs);
              backend.upsample(x, **made, activation, out);
              return out;
            },
            true);
    }
  }

  void pool() const {
    for (const auto& [images, height, width, channels] : shapes) {
      Map x = Map::random(images, height, width, channels, 1);
      if (height > 1 && width > 1)
        compare([&](Backend& backend) {
          Map out(images, height / 2, width / 2, channels);
          backend.max_pool(x, out);
          return out;
        });
      compare([&](Backend& backend) {
        Map out(images, (height + 1) / 2, (width + 1) / 2, channels);
        backend.subsample(x, out);
        return out;
      });
    }
  }

  void average_pool() const {
    for (int bins : {1, 2, 3, 6, 16, 20}) {
      Map x = Map::random(2, 16, 11, 37, 1);
      compare([&](Backend& backend) {
        Map out(2, bins, bins, 37);
        backend.average_pool(x, out);
        return out;
      });
    }
    // Of 5 rows in 3 bins: 0 to 1, 1 to 3, 3 to 4.
    with_each([](Backend& backend) {
      Map x(1, 5, 1, 1), out(1, 3, 1, 1);
      x.values = {1, 2, 4, 8, 16};
      backend.average_pool(x, out);
      CHECK(out.values[0] == doctest::Approx(1.5));
      CHECK(out.values[1] == doctest::Approx(14.0 / 3));
      CHECK(out.values[2] == doctest::Approx(12.0));
    });
  }

  void resize() const {
    for (const auto& [images, height, width, channels] : shapes)
      for (const auto& [rows, columns] :
           {std::pair{height, width}, {2 * height, 2 * width}, {4 * height, 3}, {1, 1}, {7, 13}})
        for (bool add : {false, true}) {
          Map x = Map::random(images, height, width, channels, 1);
          compare([&](Backend& backend) {
            Map out = Map::random(images, rows, columns, channels, 2);
            backend.resize_map(x, out, add);
            return out;
          });
        }
    // Twice as large: a quarter and three quarters between the two, the edges repeated.
    with_each([](Backend& backend) {
      Map x(1, 1, 2, 1), out(1, 2, 4, 1);
      x.values = {0, 4};
      backend.resize_map(x, out, false);
      CHECK(out.values == std::vector<float>{0, 1, 3, 4, 0, 1, 3, 4});
    });
  }

  void concatenate() const {
    for (const auto& [images, height, width, channels] : shapes) {
      Map a = Map::random(images, height, width, channels, 1), b = Map::random(images, height, width, 3, 2);
      compare([&](Backend& backend) {
        Map out(images, height, width, 2 * channels + 3);
        const Tensor maps[] = {a, b, a};
        backend.concatenate(maps, out);
        return out;
      });
    }
  }

  void norm() const {
    for (const auto& [images, height, width, channels] : shapes) {
      Map x = Map::random(images, height, width, channels, 1);
      auto weight = random_values(channels, 1.0, 2), bias = random_values(channels, 1.0, 3);
      for (Activation activation : kActivations)
        for (bool in_place : {false, true})
          compare([&](Backend& backend) {
            Map input = x, out(images, height, width, channels);
            Map& target = in_place ? input : out;
            backend.norm_channels(input, weight.data(), bias.data(), 1e-6f, activation, target);
            return target;
          });
    }
  }

  // Boxes inside, over the borders, outside, thin, empty, larger than the picture.
  void align() const {
    const float boxes[] = {3,    5,    21.5f, 40,  0,   0,   64,  48,  -30,   -20,   10,    9,
                           60,   44,   90,    80,  100, 100, 120, 130, -50,   -60,   -9,    -8,
                           10,   10,   10.5f, 40,  12,  12,  12,  30,  20,    20,    15,    15,
                           -100, -100, 300,   300, 0,   0,   3,   2,   33.3f, 12.1f, 61.9f, 46.7f};
    constexpr int kBoxes = sizeof boxes / sizeof boxes[0] / 4;
    const int strides[] = {4, 8};
    for (int channels : {1, 19, 64}) {
      Map fine = Map::random(1, 12, 16, channels, 1), coarse = Map::random(1, 6, 8, channels, 2);
      const Tensor levels[] = {fine, coarse};
      for (int side : {1, 2, 7, 14}) {
        std::vector<int> level(kBoxes);
        for (int r = 0; r < kBoxes; ++r) level[r] = r % 2;
        compare([&](Backend& backend) {
          Map out(kBoxes, side, side, channels);
          backend.roi_align(levels, strides, boxes, level.data(), kBoxes, out);
          return out;
        });
      }
    }
  }

  // A constant map gives its constant, a slope its place, far outside zero.
  void align_facts() const {
    with_each([](Backend& backend) {
      Map flat(1, 10, 12, 2), slope(1, 10, 12, 2);
      for (int y = 0; y < 10; ++y)
        for (int x = 0; x < 12; ++x)
          for (int c = 0; c < 2; ++c) {
            flat.values[(y * 12 + x) * 2 + c] = 2.5f;
            slope.values[(y * 12 + x) * 2 + c] = static_cast<float>(c == 0 ? x : y);
          }
      const Tensor levels[] = {flat, slope};
      const int strides[] = {4, 4}, level[] = {0, 1, 0};
      const float boxes[] = {5, 3, 37, 30, 6, 6, 30, 22, 1000, 1000, 1100, 1100};
      Map out(3, 4, 4, 2);
      backend.roi_align(levels, strides, boxes, level, 3, out);
      for (int i = 0; i < 4; ++i)
        for (int j = 0; j < 4; ++j) {
          CHECK(out.at(0, i, j, 0) == doctest::Approx(2.5));
          // The middle of bin j of 24 pixels cut into four, in cells of 4 pixels whose first has its middle
          // at 2.
          CHECK(out.at(1, i, j, 0) == doctest::Approx((6 + 6 * (j + 0.5) - 2) / 4));
          CHECK(out.at(1, i, j, 1) == doctest::Approx((6 + 4 * (i + 0.5) - 2) / 4));
          CHECK(out.at(2, i, j, 1) == 0.0f);
        }
    });
  }

  void taps() const {
    for (const auto& [small, large] : {std::pair{1, 4}, {2, 3}, {3, 12}, {6, 16}, {5, 5}, {7, 4}})
      for (const int channels : {1, 5, 33})
        for (Activation activation : kActivations) {
          Map taps = Map::random(2, small, small + 1, 9 * channels, 1);
          compare([&](Backend& backend) {
            Map out = Map::random(2, large, large + 1, channels, 2);
            backend.add_resized_taps(taps, activation, out);
            return out;
          });
        }
  }

  // Pictures, windows and targets of any size.
  void labels(int rounds, int largest_width, int largest_height) const {
    std::mt19937 random(12);
    for (int round = 0; round < rounds; ++round) {
      const auto between = [&](int low, int high) {
        return std::uniform_int_distribution(low, high)(random);
      };
      const int side = between(4, 24), classes = between(1, round % 4 == 0 ? 600 : 40);
      const SlidingWindows windows =
          SlidingWindows::over(between(1, 3 * side), between(1, 3 * side), side, between(side / 4 + 1, side));
      const int width = between(1, largest_width), height = between(1, largest_height);
      const int map_side = between(1, 8), some = between(1, height);
      CAPTURE(windows.width);
      CAPTURE(windows.height);
      CAPTURE(classes);
      CAPTURE(width);
      CAPTURE(height);
      Map maps = Map::random(windows.count(), map_side, map_side, classes, round);
      const auto label = [&](Backend& backend, int rows) {
        std::vector<std::uint16_t> all(static_cast<std::size_t>(width) * height, 65535);
        for (int first = 0; first < height; first += rows)
          backend.label_pixels(maps, windows, width, height, first,
                               {all.data() + static_cast<std::size_t>(first) * width,
                                {std::min(rows, height - first), width}});
        return all;
      };
      const auto expected = label(*make_reference_backend(), height);
      with_each([&](Backend& backend) {
        const auto actual = label(backend, some);
        int differ = 0;
        for (std::size_t i = 0; i < expected.size(); ++i) differ += expected[i] != actual[i];
        CHECK(differ <= static_cast<int>(expected.size()) / 1000);  // of classes equal but for rounding
      });
    }
  }

  void equal_classes() const {
    const SlidingWindows windows = SlidingWindows::over(8, 8, 8, 8);
    for (const int classes : {1, 2, 15, 16, 17, 40})
      for (int best = 0; best < classes; ++best) {
        Map maps(1, 2, 2, classes);
        for (std::size_t i = 0; i < maps.values.size(); ++i)
          maps.values[i] = static_cast<int>(i) % classes >= best ? 1.0f : 0.0f;
        with_each([&](Backend& backend) {
          std::vector<std::uint16_t> labels(25, 99);
          backend.label_pixels(maps, windows, 5, 5, 0, {labels.data(), {5, 5}});
          CHECK(std::all_of(labels.begin(), labels.end(), [&](int label) { return label == best; }));
        });
      }
  }
};

}  // namespace winnow
