// Every operation on feature maps: the cpu backend against the reference on odd shapes, in every precision
// that the processor has; and both against what can be said without computing it.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "cpu/cpu_backend.h"
#include "engine/engine.h"
#include "reference/reference_backend.h"

using namespace winnow;

namespace {

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
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    for (float& value : map.values) value = normal(random);
    return map;
  }
  operator Tensor() { return {values.data(), {images, height, width, channels}}; }
  float at(int b, int y, int x, int c) const {
    return values[((static_cast<std::size_t>(b) * height + y) * width + x) * channels + c];
  }
  int images, height, width, channels;
  std::vector<float> values;
};

std::vector<float> random_values(std::size_t count, unsigned seed) {
  return Map::random(1, 1, 1, static_cast<int>(count), seed).values;
}

// Largest difference, relative to the largest expected value.
double difference(const Map& expected, const Map& actual) {
  REQUIRE(expected.values.size() == actual.values.size());
  double largest = 1e-30, difference = 0.0;
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    REQUIRE(std::isfinite(actual.values[i]));
    largest = std::max(largest, std::abs(static_cast<double>(expected.values[i])));
    difference = std::max(difference, std::abs(static_cast<double>(expected.values[i]) - actual.values[i]));
  }
  return difference / largest;
}

std::unique_ptr<Backend> cpu_backend(Precision precision) {
  auto backend = make_backend("cpu", 2, precision);
  REQUIRE(backend);
  return std::move(*backend);
}

// Runs `compute` on the reference and on the cpu in every precision and compares what it returns. Products in
// bf16 are as exact as its eight bits are.
void compare(const std::function<Map(Backend&)>& compute, bool has_products = false) {
  const Map expected = compute(*make_reference_backend());
  for (Precision precision : cpu_precisions()) {
    CAPTURE(static_cast<int>(precision));
    const double tolerance = has_products && precision != Precision::fp32 ? 1e-2 : 2e-5;
    CHECK(difference(expected, compute(*cpu_backend(precision))) < tolerance);
  }
}

// Runs `check` with the reference and with the cpu.
void with_each(const std::function<void(Backend&)>& check) {
  check(*make_reference_backend());
  check(*cpu_backend(Precision::fp32));
}

constexpr Activation kActivations[] = {Activation::none, Activation::gelu, Activation::relu};

struct Shape {
  int images, height, width, channels;
};

// Around the sizes where bands, vectors and tails begin.
constexpr Shape kShapes[] = {{1, 1, 1, 1},   {2, 3, 5, 17},   {1, 7, 7, 64},  {3, 2, 9, 33},
                             {1, 16, 16, 5}, {2, 33, 17, 24}, {1, 1, 300, 8}, {1, 300, 1, 65}};

}  // namespace

TEST_CASE("convolve: kernels, odd shapes, activations, with and without bias") {
  for (const auto& [images, height, width, channels] : kShapes)
    for (int kernel : {1, 3, 5}) {
      const int outputs = channels % 2 == 0 ? 19 : 32;
      Map x = Map::random(images, height, width, channels, 1);
      const auto weight = random_values(1ull * outputs * channels * kernel * kernel, 2);
      const auto bias = random_values(outputs, 3);
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

TEST_CASE("convolve: the identity kernel copies, a shifted one moves in zeros") {
  with_each([](Backend& backend) {
    Map x = Map::random(2, 40, 31, 2, 1);
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

TEST_CASE("an image's convolution is the same alone and in a batch, on one thread and on three") {
  for (Precision precision : cpu_precisions()) {
    const auto weight = random_values(24 * 24 * 9, 2);
    Map x = Map::random(3, 24, 30, 24, 1);
    std::vector<float> results[2];
    for (int i = 0; i < 2; ++i) {
      auto backend = make_backend("cpu", i == 0 ? 1 : 3, precision);
      REQUIRE(backend);
      auto made = (*backend)->make_convolution(weight.data(), nullptr, 24, 24, 3);
      REQUIRE(made);
      Map out(3, 24, 30, 24);
      if (i == 0)
        for (int b = 0; b < 3; ++b)
          (*backend)->convolve({static_cast<Tensor>(x).at(b), {1, 24, 30, 24}}, **made, Activation::gelu,
                               {static_cast<Tensor>(out).at(b), {1, 24, 30, 24}});
      else
        (*backend)->convolve(x, **made, Activation::gelu, out);
      results[i] = out.values;
    }
    CHECK(results[0] == results[1]);
  }
}

TEST_CASE("upsample") {
  for (const auto& [images, height, width, channels] : kShapes) {
    const int outputs = channels % 2 == 0 ? 19 : 32;
    Map x = Map::random(images, height, width, channels, 1);
    const auto weight = random_values(4ull * channels * outputs, 2), bias = random_values(outputs, 3);
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

TEST_CASE("linear with ReLU") {
  Map x = Map::random(2, 1, 65, 33, 1);
  const auto weight = random_values(33 * 18, 2);
  compare([&](Backend& backend) {
    auto made = backend.make_linear(weight.data(), nullptr, 18, 33);
    REQUIRE(made);
    Map out(2, 1, 65, 18);
    backend.linear({x.values.data(), {2, 65, 33}}, **made, Activation::relu,
                   {out.values.data(), {2, 65, 18}});
    return out;
  });
}

TEST_CASE("max_pool and subsample: odd last rows and columns") {
  for (const auto& [images, height, width, channels] : kShapes) {
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

TEST_CASE("average_pool: windows overlap where the sizes do not divide, one bin is the mean of all") {
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

TEST_CASE("resize_map: up, down, one axis, onto what is there") {
  for (const auto& [images, height, width, channels] : kShapes)
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

TEST_CASE("concatenate") {
  for (const auto& [images, height, width, channels] : kShapes) {
    Map a = Map::random(images, height, width, channels, 1), b = Map::random(images, height, width, 3, 2);
    compare([&](Backend& backend) {
      Map out(images, height, width, 2 * channels + 3);
      const Tensor maps[] = {a, b, a};
      backend.concatenate(maps, out);
      return out;
    });
  }
}

TEST_CASE("norm_channels: out of place and in place") {
  for (const auto& [images, height, width, channels] : kShapes) {
    Map x = Map::random(images, height, width, channels, 1);
    auto weight = random_values(channels, 2), bias = random_values(channels, 3);
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

TEST_CASE("roi_align: boxes inside, over the borders, outside, thin, empty, larger than the picture") {
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

TEST_CASE("roi_align: a constant map gives its constant, a slope its place, far outside zero") {
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

TEST_CASE("the time of operations on maps is named once they ran") {
  auto backend = cpu_backend(Precision::fp32);
  backend->time_operations(true);
  Map x(1, 2, 2, 3), out(1, 1, 1, 3);
  backend->max_pool(x, out);
  const auto times = backend->operation_times();
  CHECK(times.back().name == "map pooling");
  CHECK(times.back().seconds > 0.0);
}
