// The operations of dense models on the cpu backend against the reference, on random numbers and odd shapes.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>
#include <vector>

#include "engine/engine.h"
#include "reference/reference_backend.h"

using namespace winnow;

namespace {

std::vector<float> random_values(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> values;
  std::vector<float> out(count);
  for (float& value : out) value = values(random);
  return out;
}

// `count` of the numbers below `all`, ascending.
std::vector<std::int32_t> some_indices(int count, int all, unsigned seed) {
  std::vector<std::int32_t> indices(all);
  std::iota(indices.begin(), indices.end(), 0);
  std::shuffle(indices.begin(), indices.end(), std::mt19937(seed));
  indices.resize(count);
  std::sort(indices.begin(), indices.end());
  return indices;
}

// What `compute` makes of a copy of `values` on each backend must be alike.
void compare(const std::vector<float>& values, const std::function<void(Backend&, float*)>& compute) {
  const auto reference = make_reference_backend();
  std::vector<float> expected = values;
  compute(*reference, expected.data());
  for (const int threads : {1, 3}) {
    const auto fast = make_backend("cpu", threads);
    REQUIRE(fast);
    std::vector<float> actual = values;
    compute(**fast, actual.data());
    double largest = 1e-30, difference = 0.0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      REQUIRE(std::isfinite(actual[i]));
      largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
      difference = std::max(difference, std::abs(static_cast<double>(expected[i]) - actual[i]));
    }
    CHECK(difference < 2e-6 * largest);
  }
}

}  // namespace

TEST_CASE("tokens are rotated by their positions, gathered or not") {
  for (const int dim : {4, 12, 48, 100}) {
    for (const int grid : {1, 3, 7}) {
      const int all = grid * grid;
      for (const int tokens : {1, (all + 1) / 2, all}) {
        CAPTURE(dim);
        CAPTURE(grid);
        CAPTURE(tokens);
        const int pairs = dim / 4;
        std::vector<float> cosines, sines;
        for (int i = 0; i < grid * pairs; ++i) {
          cosines.push_back(std::cos(0.37f * i));
          sines.push_back(std::sin(0.37f * i));
        }
        std::vector<std::int32_t> indices;
        for (unsigned b = 0; b < 2; ++b)
          for (const std::int32_t index : some_indices(tokens, all, b)) indices.push_back(index);
        compare(random_values(2ull * tokens * dim, 3), [&](Backend& backend, float* values) {
          backend.rotate_tokens({values, {2, tokens, dim}}, {indices.data(), {2, tokens}}, grid,
                                {cosines.data(), {grid, pairs}}, {sines.data(), {grid, pairs}});
        });
      }
    }
  }
}

TEST_CASE("a rotation keeps every pair's length and the difference of two positions' angles") {
  const auto backend = make_reference_backend();
  const int grid = 5, dim = 4;
  std::vector<float> cosines(grid), sines(grid);
  for (int r = 0; r < grid; ++r) {
    cosines[r] = std::cos(0.3f * r);
    sines[r] = std::sin(0.3f * r);
  }
  std::vector<float> tokens;
  std::vector<std::int32_t> indices(grid * grid);
  std::iota(indices.begin(), indices.end(), 0);
  for (int i = 0; i < grid * grid; ++i) tokens.insert(tokens.end(), {1.0f, 0.0f, 0.0f, 2.0f});
  backend->rotate_tokens({tokens.data(), {1, grid * grid, dim}}, {indices.data(), {1, grid * grid}}, grid,
                         {cosines.data(), {grid, 1}}, {sines.data(), {grid, 1}});
  for (int index = 0; index < grid * grid; ++index) {
    const float* token = &tokens[index * dim];
    CHECK(std::atan2(token[1], token[0]) == doctest::Approx(0.3 * (index / grid)).epsilon(1e-5));
    CHECK(std::hypot(token[2], token[3]) == doctest::Approx(2.0));
    CHECK(token[3] == doctest::Approx(2.0 * std::cos(0.3 * (index % grid))).epsilon(1e-5));
  }
}

TEST_CASE("tokens are scattered to their indices, and the others stay") {
  for (const int tokens : {1, 70, 143}) {
    const int all = 143, dim = 7;
    std::vector<std::int32_t> indices;
    for (unsigned b = 0; b < 3; ++b)
      for (const std::int32_t index : some_indices(tokens, all, b)) indices.push_back(index);
    std::vector<float> source = random_values(3ull * tokens * dim, 5);
    compare(random_values(3ull * all * dim, 6), [&](Backend& backend, float* values) {
      backend.scatter_tokens({source.data(), {3, tokens, dim}}, {indices.data(), {3, tokens}},
                             {values, {3, all, dim}});
    });
  }
}

TEST_CASE("taps of a small map, resized and added, are the convolution of the resized map") {
  for (const auto& [small, large] : {std::pair{1, 4}, {2, 3}, {3, 12}, {6, 16}, {5, 5}, {7, 4}})
    for (const int channels : {1, 5, 33})
      for (const Activation activation : {Activation::none, Activation::relu, Activation::gelu}) {
        CAPTURE(small);
        CAPTURE(large);
        const int width = large + 1, outputs = 3;
        const auto map = random_values(2ull * small * (small + 1) * channels, 8);
        const auto weight = random_values(9ull * outputs * channels, 9);
        std::vector<float> by_tap(weight.size());
        for (int o = 0; o < outputs; ++o)
          for (int c = 0; c < channels; ++c)
            for (int tap = 0; tap < 9; ++tap)
              by_tap[(tap * outputs + o) * channels + c] = weight[(o * channels + c) * 9 + tap];
        const auto start = random_values(2ull * large * width * outputs, 10);
        const auto add = [&](Backend& backend, float* values) {
          auto copy = map;
          auto taps = backend.make_convolution(by_tap.data(), nullptr, 9 * outputs, channels, 1);
          REQUIRE(taps);
          std::vector<float> products(2ull * small * (small + 1) * 9 * outputs);
          const Tensor products_map(products.data(), {2, small, small + 1, 9 * outputs});
          backend.convolve({copy.data(), {2, small, small + 1, channels}}, **taps, Activation::none,
                           products_map);
          backend.add_resized_taps(products_map, activation, {values, {2, large, width, outputs}});
        };
        compare(start, add);

        // Against the plain way.
        const auto backend = make_reference_backend();
        auto copy = map, actual = start;
        add(*backend, actual.data());
        std::vector<float> resized(2ull * large * width * channels), plain(start.size());
        const Tensor resized_map(resized.data(), {2, large, width, channels});
        backend->resize_map({copy.data(), {2, small, small + 1, channels}}, resized_map, false);
        auto convolution = backend->make_convolution(weight.data(), nullptr, outputs, channels, 3);
        REQUIRE(convolution);
        backend->convolve(resized_map, **convolution, Activation::none,
                          {plain.data(), {2, large, width, outputs}});
        if (activation != Activation::none) continue;
        for (std::size_t i = 0; i < plain.size(); ++i)
          CHECK(actual[i] == doctest::Approx(start[i] + plain[i]).epsilon(1e-4));
      }
}
