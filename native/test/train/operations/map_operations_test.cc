// Operations on maps: their gradients against finite differences in fp64, values against what they are by
// hand or in the reference backend, and on the cpu's products against plain loops.
#include "train/operations/map_operations.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "engine/engine.h"
#include "test/train/operations/operation_data.h"

using namespace winnow;
using namespace winnow::train;

namespace {

using Maps = MapOperationsOf<double>;

ReferenceOperations<double> ops;
const Maps maps(ops);

const std::vector<MapShape> kShapes = {{1, 1, 3}, {2, 3, 5}, {5, 4, 2}, {6, 6, 1}};

std::vector<float> narrowed(const Doubles& values) { return {values.begin(), values.end()}; }

Tensor tensor(std::vector<float>& values, const MapShape& s) {
  return {values.data(), {1, s.height, s.width, s.channels}};
}

void check_alike(const std::vector<float>& actual, const std::vector<float>& expected, double tolerance) {
  REQUIRE(actual.size() == expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i)
    CHECK(actual[i] == doctest::Approx(expected[i]).epsilon(tolerance).scale(1.0));
}

}  // namespace

TEST_CASE("gradients of the convolution and of the upsampling of a map are those of finite differences") {
  Random random(1);
  for (const MapShape& s : kShapes)
    for (bool upsampling : {false, true}) {
      const int outputs = 3, taps = upsampling ? 4 : 9;
      const std::size_t pixels = s.pixels() * (upsampling ? 4 : 1);
      Doubles x = numbers(s.size(), random), weight = numbers(outputs * taps * s.channels, random),
              bias = numbers(outputs, random), out(pixels * outputs),
              memory(upsampling ? Maps::upsampling_memory(s, outputs) : Maps::convolution_memory(s)),
              prepared(weight.size());
      const Doubles d_out = numbers(out.size(), random);
      const auto loss = [&] {
        if (upsampling) {
          Maps::prepare_upsampling(s.channels, outputs, weight.data(), prepared.data());
          maps.upsample(s, outputs, x.data(), prepared.data(), bias.data(), out.data(), memory.data());
        } else {
          Maps::prepare_convolution(outputs, s.channels, weight.data(), prepared.data());
          maps.convolve(s, outputs, x.data(), prepared.data(), bias.data(), out.data(), memory.data());
        }
        return weighted(out, d_out);
      };
      loss();
      Doubles d_x(x.size(), 0.0), d_weight(weight.size(), 0.0), d_prepared(weight.size(), 0.0),
          d_bias(outputs, 0.0);
      if (upsampling) {
        maps.upsample_gradient(s, outputs, x.data(), prepared.data(), d_out.data(), d_x.data(),
                               d_prepared.data(), d_bias.data(), memory.data());
        Maps::finish_upsampling(s.channels, outputs, d_prepared.data(), d_weight.data());
      } else {
        maps.convolve_gradient(s, outputs, x.data(), prepared.data(), d_out.data(), d_x.data(),
                               d_prepared.data(), d_bias.data(), memory.data());
        Maps::finish_convolution(outputs, s.channels, d_prepared.data(), d_weight.data());
      }
      check_differences("x", x, d_x, loss);
      check_differences("weight", weight, d_weight, loss);
      check_differences("bias", bias, d_bias, loss);
    }
}

TEST_CASE("gradients of pools, resizing, ReLU and channel norms are those of finite differences") {
  Random random(2);
  for (const MapShape& s : kShapes) {
    Doubles x = numbers(s.size(), random), out;
    const auto check = [&](const std::string& name, std::size_t size,
                           const std::function<void(const double*, double*)>& forward,
                           const std::function<void(const double*, double*)>& backward) {
      const Doubles d_out = numbers(size, random);
      Doubles d_x(x.size(), 0.0);
      out.assign(size, 0.0);
      forward(x.data(), out.data());
      backward(d_out.data(), d_x.data());
      check_differences(name, x, d_x, [&] {
        forward(x.data(), out.data());
        return weighted(out, d_out);
      });
    };
    std::vector<std::uint8_t> which(s.size());
    check(
        "max pool", static_cast<std::size_t>(s.height / 2) * (s.width / 2) * s.channels,
        [&](const double* from, double* to) { Maps::max_pool(s, from, to, which.data()); },
        [&](const double* d, double* d_x) { Maps::max_pool_gradient(s, which.data(), d, d_x); });
    for (const auto& [height, width] : {std::pair{1, 1}, {3, 2}, {7, 9}, {2, 4}}) {
      const std::size_t size = static_cast<std::size_t>(height) * width * s.channels;
      check(
          "average pool", size,
          [&, h = height, w = width](const double* from, double* to) {
            Maps::average_pool(s, h, w, from, to);
          },
          [&, h = height, w = width](const double* d, double* d_x) {
            Maps::average_pool_gradient(s, h, w, d, d_x);
          });
      check(
          "resize", size,
          [&, h = height, w = width](const double* from, double* to) {
            Maps::resize(s, h, w, from, false, to);
          },
          [&, h = height, w = width](const double* d, double* d_x) {
            Maps::resize_gradient(s, h, w, d, d_x);
          });
    }
    check(
        "ReLU", s.size(), [&](const double* from, double* to) { Maps::relu(s.size(), from, to); },
        [&](const double* d, double* d_x) { Maps::relu_gradient(s.size(), x.data(), d, d_x); });

    const int rows = static_cast<int>(s.pixels());
    Doubles weight = numbers(s.channels, random), bias = numbers(s.channels, random);
    const Doubles d_out = numbers(s.size(), random);
    for (double epsilon : {1e-2, 1e-6}) {
      if (s.channels == 1) continue;  // all zeros, whose slope is as steep as epsilon is small
      out.assign(s.size(), 0.0);
      const auto loss = [&] {
        Maps::norm_channels(rows, s.channels, x.data(), weight.data(), bias.data(), epsilon, out.data());
        return weighted(out, d_out);
      };
      Doubles d_x(s.size(), 0.0), d_weight(s.channels, 0.0), d_bias(s.channels, 0.0);
      Maps::norm_channels_gradient(rows, s.channels, x.data(), weight.data(), epsilon, d_out.data(),
                                   d_x.data(), d_weight.data(), d_bias.data());
      check_differences("norm x", x, d_x, loss);
      check_differences("norm weight", weight, d_weight, loss);
      check_differences("norm bias", bias, d_bias, loss);
    }
  }
}

TEST_CASE(
    "gradients of the batch norm are those of finite differences, and the running moments are PyTorch's") {
  Random random(3);
  const int rows = 7, channels = 4;
  Doubles x = numbers(rows * channels, random), weight = numbers(channels, random),
          bias = numbers(channels, random), out(x.size());
  const Doubles d_out = numbers(x.size(), random);
  BatchMomentsOf<double> moments;
  const auto loss = [&] {
    maps.batch_norm(rows, channels, x.data(), weight.data(), bias.data(), 1e-5, 0.1, nullptr, nullptr,
                    out.data(), moments);
    return weighted(out, d_out);
  };
  loss();
  Doubles d_x(x.size(), 0.0), d_weight(channels, 0.0), d_bias(channels, 0.0);
  maps.batch_norm_gradient(rows, channels, x.data(), weight.data(), moments, d_out.data(), d_x.data(),
                           d_weight.data(), d_bias.data());
  check_differences("x", x, d_x, loss);
  check_differences("weight", weight, d_weight, loss);
  check_differences("bias", bias, d_bias, loss);

  const Doubles two = {1.0, 3.0};
  Doubles mean = {1.0}, variance = {4.0}, one = {1.0}, zero = {0.0}, normed(2);
  maps.batch_norm(2, 1, two.data(), one.data(), zero.data(), 0.0, 0.1, mean.data(), variance.data(),
                  normed.data(), moments);
  CHECK(normed == Doubles{-1.0, 1.0});
  CHECK(mean[0] == doctest::Approx(1.1));
  CHECK(variance[0] == doctest::Approx(3.8));  // 4 + 0.1 (2 - 4): the unbiased variance is 2
}

TEST_CASE("the pixels' cross entropy is that of resized scores, its gradient that of finite differences") {
  Random random(4);
  const MapShape s{3, 2, 4};
  Doubles scores = numbers(s.size(), random, 2.0);
  const int height = 7, width = 5;
  std::vector<std::uint8_t> labels(height * width);
  for (std::uint8_t& label : labels) label = static_cast<std::uint8_t>(random.whole(s.channels));
  labels[3] = labels[20] = kNoLabel;
  const auto loss = [&] {
    return 0.3 * Maps::pixel_cross_entropy(s, scores.data(), height, width, labels.data(), 0.3, nullptr).sum;
  };
  Doubles d_scores(scores.size(), 0.0), resized(labels.size() * s.channels);
  const PixelLoss known =
      Maps::pixel_cross_entropy(s, scores.data(), height, width, labels.data(), 0.3, d_scores.data());
  check_differences("scores", scores, d_scores, loss);
  Maps::resize(s, height, width, scores.data(), false, resized.data());
  double expected = 0.0;
  int right = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] == kNoLabel) continue;
    const auto own = resized.begin() + static_cast<std::ptrdiff_t>(i) * s.channels;
    right += std::max_element(own, own + s.channels) - own == labels[i];
    double total = 0.0;
    for (int c = 0; c < s.channels; ++c) total += std::exp(resized[i * s.channels + c]);
    expected += std::log(total) - resized[i * s.channels + labels[i]];
  }
  CHECK(known.sum == doctest::Approx(expected));
  CHECK(known.right == right);
}

TEST_CASE("operations on maps in training are those of inference") {
  Random random(5);
  auto backend = make_backend("reference", 1);
  REQUIRE(backend);
  for (const MapShape& s : {MapShape{6, 4, 5}, MapShape{5, 7, 3}}) {
    const int outputs = 4;
    std::vector<float> x = narrowed(numbers(s.size(), random)),
                       weight = narrowed(numbers(outputs * 9 * s.channels, random)),
                       bias = narrowed(numbers(outputs, random)), prepared(weight.size());
    std::vector<std::unique_ptr<Operations>> all;
    all.push_back(reference_operations());
#ifdef WINNOW_CPU
    all.push_back(cpu_operations(1));
#endif
    for (const auto& own : all) {
      const MapOperations fast(*own);
      std::vector<float> memory(
          std::max(MapOperations::convolution_memory(s), MapOperations::upsampling_memory(s, outputs)));
      const auto expected = [&](const MapShape& shape, const std::function<void(Tensor)>& operation) {
        std::vector<float> values(shape.size());
        operation(tensor(values, shape));
        return values;
      };
      const auto actual = [&](const MapShape& shape, const std::function<void(float*)>& operation) {
        std::vector<float> values(shape.size());
        operation(values.data());
        return values;
      };
      const MapShape convolved{s.height, s.width, outputs}, doubled{2 * s.height, 2 * s.width, outputs},
          halved{s.height / 2, s.width / 2, s.channels}, pooled{3, 2, s.channels}, resized{11, 9, s.channels};
      auto convolution = (*backend)->make_convolution(weight.data(), bias.data(), outputs, s.channels, 3);
      auto upsampling = (*backend)->make_upsampling(weight.data(), bias.data(), s.channels, outputs);
      REQUIRE(convolution);
      REQUIRE(upsampling);
      MapOperations::prepare_convolution(outputs, s.channels, weight.data(), prepared.data());
      check_alike(
          actual(convolved,
                 [&](float* out) {
                   fast.convolve(s, outputs, x.data(), prepared.data(), bias.data(), out, memory.data());
                 }),
          expected(
              convolved,
              [&](Tensor out) { (*backend)->convolve(tensor(x, s), **convolution, Activation::none, out); }),
          1e-5);
      MapOperations::prepare_upsampling(s.channels, outputs, weight.data(), prepared.data());
      check_alike(
          actual(doubled,
                 [&](float* out) {
                   fast.upsample(s, outputs, x.data(), prepared.data(), bias.data(), out, memory.data());
                 }),
          expected(
              doubled,
              [&](Tensor out) { (*backend)->upsample(tensor(x, s), **upsampling, Activation::none, out); }),
          1e-5);
      std::vector<std::uint8_t> which(halved.size());
      check_alike(
          actual(halved, [&](float* out) { MapOperations::max_pool(s, x.data(), out, which.data()); }),
          expected(halved, [&](Tensor out) { (*backend)->max_pool(tensor(x, s), out); }), 1e-12);
      check_alike(actual(pooled, [&](float* out) { MapOperations::average_pool(s, 3, 2, x.data(), out); }),
                  expected(pooled, [&](Tensor out) { (*backend)->average_pool(tensor(x, s), out); }), 1e-6);
      check_alike(actual(resized, [&](float* out) { MapOperations::resize(s, 11, 9, x.data(), false, out); }),
                  expected(resized, [&](Tensor out) { (*backend)->resize_map(tensor(x, s), out, false); }),
                  1e-5);
    }
  }
}

#ifdef WINNOW_CPU
TEST_CASE("the cpu's convolution and upsampling of maps, and their gradients, are the reference's") {
  Random random(6);
  const auto slow = reference_operations(), fast = cpu_operations(1);
  for (const MapShape& s : {MapShape{3, 5, 7}, MapShape{33, 29, 16}})
    for (bool upsampling : {false, true}) {
      const int outputs = 6, taps = upsampling ? 4 : 9;
      const auto floats = [&](std::size_t count) { return narrowed(numbers(count, random)); };
      const std::size_t pixels = s.pixels() * (upsampling ? 4 : 1);
      const std::vector<float> x = floats(s.size()), weight = floats(outputs * taps * s.channels),
                               bias = floats(outputs), d_out = floats(pixels * outputs);
      std::vector<float> out[2], d_x[2], d_weight[2], d_bias[2];
      int i = 0;
      for (Operations* own : {slow.get(), fast.get()}) {
        const MapOperations on(*own);
        std::vector<float> memory(upsampling ? MapOperations::upsampling_memory(s, outputs)
                                             : MapOperations::convolution_memory(s));
        out[i].resize(pixels * outputs);
        d_x[i] = x;
        d_weight[i] = weight;
        d_bias[i] = bias;
        if (upsampling) {
          on.upsample(s, outputs, x.data(), weight.data(), bias.data(), out[i].data(), memory.data());
          on.upsample_gradient(s, outputs, x.data(), weight.data(), d_out.data(), d_x[i].data(),
                               d_weight[i].data(), d_bias[i].data(), memory.data());
        } else {
          on.convolve(s, outputs, x.data(), weight.data(), bias.data(), out[i].data(), memory.data());
          on.convolve_gradient(s, outputs, x.data(), weight.data(), d_out.data(), d_x[i].data(),
                               d_weight[i].data(), d_bias[i].data(), memory.data());
        }
        ++i;
      }
      check_alike(out[1], out[0], 1e-4);
      check_alike(d_x[1], d_x[0], 1e-4);
      check_alike(d_weight[1], d_weight[0], 1e-3);
      check_alike(d_bias[1], d_bias[0], 1e-3);
    }
}
#endif  // WINNOW_CPU
