// Every operation on feature maps: the cpu backend against the reference on odd shapes, in every precision
// that the processor has; and both against what can be said without computing it.
#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "cpu/cpu_backend.h"
#include "engine/engine.h"
#include "reference/reference_backend.h"
#include "test/backend/map_checks.h"

using namespace winnow;

namespace {

std::unique_ptr<Backend> cpu_backend(Precision precision) {
  auto backend = make_backend("cpu", 2, precision);
  REQUIRE(backend);
  return std::move(*backend);
}

// Products in bf16 are as exact as its eight bits are.
void compare(const std::function<Map(Backend&)>& compute, bool has_products) {
  const Map expected = compute(*make_reference_backend());
  for (Precision precision : cpu_precisions()) {
    CAPTURE(static_cast<int>(precision));
    const double tolerance = has_products && precision != Precision::fp32 ? 1e-2 : 2e-5;
    CHECK(difference(expected.values, compute(*cpu_backend(precision)).values) < tolerance);
  }
}

void with_each(const std::function<void(Backend&)>& check) {
  check(*make_reference_backend());
  check(*cpu_backend(Precision::fp32));
}

// Around the sizes where bands, vectors and tails begin.
const MapChecks checks = {compare,
                          with_each,
                          {{1, 1, 1, 1},
                           {2, 3, 5, 17},
                           {1, 7, 7, 64},
                           {3, 2, 9, 33},
                           {1, 16, 16, 5},
                           {2, 33, 17, 24},
                           {1, 1, 300, 8},
                           {1, 300, 1, 65}}};

}  // namespace

TEST_CASE("convolve: kernels, odd shapes, activations, with and without bias") { checks.convolve(); }

TEST_CASE("convolve: the identity kernel copies, a shifted one moves in zeros") { checks.convolve_places(); }

TEST_CASE("an image's convolution is the same alone and in a batch, on one thread and on three") {
  for (Precision precision : cpu_precisions()) {
    const auto weight = random_values(24 * 24 * 9, 1.0, 2);
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

TEST_CASE("upsample") { checks.upsample(); }

TEST_CASE("linear with ReLU") {
  Map x = Map::random(2, 1, 65, 33, 1);
  const auto weight = random_values(33 * 18, 1.0, 2);
  checks.compare([&](Backend& backend) {
    auto made = backend.make_linear(weight.data(), nullptr, 18, 33);
    REQUIRE(made);
    Map out(2, 1, 65, 18);
    backend.linear({x.values.data(), {2, 65, 33}}, **made, Activation::relu,
                   {out.values.data(), {2, 65, 18}});
    return out;
  });
}

TEST_CASE("max_pool and subsample: odd last rows and columns") { checks.pool(); }

TEST_CASE("average_pool: windows overlap where the sizes do not divide, one bin is the mean of all") {
  checks.average_pool();
}

TEST_CASE("resize_map: up, down, one axis, onto what is there") { checks.resize(); }

TEST_CASE("concatenate") { checks.concatenate(); }

TEST_CASE("norm_channels: out of place and in place") { checks.norm(); }

TEST_CASE("roi_align: boxes inside, over the borders, outside, thin, empty, larger than the picture") {
  checks.align();
}

TEST_CASE("roi_align: a constant map gives its constant, a slope its place, far outside zero") {
  checks.align_facts();
}

TEST_CASE("add_resized_taps: up, down, the same size") { checks.taps(); }

TEST_CASE("label_pixels: whatever the picture's and the target's size") { checks.labels(40, 90, 60); }

TEST_CASE("label_pixels: of equal classes the first") { checks.equal_classes(); }

TEST_CASE("the time of operations on maps is named once they ran") {
  auto backend = cpu_backend(Precision::fp32);
  backend->time_operations(true);
  Map x(1, 2, 2, 3), out(1, 1, 1, 3);
  backend->max_pool(x, out);
  const auto times = backend->operation_times();
  CHECK(times.back().name == "map pooling");
  CHECK(times.back().seconds > 0.0);
}
