// Every operation on feature maps of the GPU backend against the reference: the kernels' own text, run on
// this machine's processor, on random numbers and odd shapes.
#include "gpu/gpu_maps.h"

#include <doctest/doctest.h>

#include "gpu/gpu_backend.h"
#include "gpu/host/host_library.h"
#include "reference/reference_backend.h"
#include "test/backend/map_checks.h"
#include "test/gpu/host_gpus.h"

using namespace winnow;
using gpu::HostDevice;

namespace {

// Factors of products have 8 bits as bf16, 11 as fp16.
void compare(const std::function<Map(Backend&)>& compute, bool has_products) {
  const Map expected = compute(*make_reference_backend());
  for (HostDevice device : {gpu::kHostBf16, gpu::kHostFp16, gpu::kHostSmall}) {
    if (device == gpu::kHostSmall && !has_products) continue;  // it differs by its product alone
    CAPTURE(device);
    const auto backend = gpu_backend(device);
    const Map actual = compute(*backend);
    require_ok(*backend);
    const double tolerance = !has_products ? 2e-6 : device == gpu::kHostFp16 ? 2e-3 : 1e-2;
    CHECK(difference(expected.values, actual.values) < tolerance);
  }
}

void with_each(const std::function<void(Backend&)>& check) {
  for (HostDevice device : {gpu::kHostBf16, gpu::kHostFp16}) {
    CAPTURE(device);
    const auto backend = gpu_backend(device);
    check(*backend);
    require_ok(*backend);
  }
}

// Around the sizes of a warp and of a block.
const MapChecks checks = {compare,
                          with_each,
                          {{1, 1, 1, 1},
                           {2, 3, 5, 17},
                           {1, 7, 7, 64},
                           {3, 2, 9, 33},
                           {1, 1, 70, 4},
                           {1, 40, 1, 5},
                           {2, 3, 2, 260}}};

}  // namespace

TEST_CASE("gpu convolve: kernels, odd shapes, activations, with and without bias") { checks.convolve(); }

TEST_CASE("gpu convolve: the identity kernel copies, a shifted one moves in zeros") {
  checks.convolve_places();
}

TEST_CASE("gpu upsample") { checks.upsample(); }

TEST_CASE("gpu max_pool and subsample: odd last rows and columns") { checks.pool(); }

TEST_CASE("gpu average_pool: windows overlap where the sizes do not divide") { checks.average_pool(); }

TEST_CASE("gpu resize_map: up, down, one axis, onto what is there") { checks.resize(); }

TEST_CASE("gpu concatenate") { checks.concatenate(); }

TEST_CASE("gpu norm_channels: out of place and in place") { checks.norm(); }

TEST_CASE("gpu roi_align: boxes inside, over the borders, outside, thin, empty, larger than the picture") {
  checks.align();
}

TEST_CASE("gpu roi_align: a constant map gives its constant, a slope its place, far outside zero") {
  checks.align_facts();
}

TEST_CASE("gpu add_resized_taps: up, down, the same size") { checks.taps(); }

TEST_CASE("gpu label_pixels: whatever the picture's and the target's size") { checks.labels(12, 30, 20); }

TEST_CASE("gpu label_pixels: of equal classes the first") { checks.equal_classes(); }

TEST_CASE("gpu products of maps go tile by tile where memory is small, with the same results") {
  Map x = Map::random(2, 13, 11, 24, 1);
  const auto weight = random_values(9ull * 24 * 24, 1.0, 2), bias = random_values(24, 1.0, 3);
  std::vector<float> convolved[2], upsampled[2];
  long long products[2];
  for (int is_small : {0, 1}) {
    if (is_small == 1) gpu::set_host_faults({.memory_bytes = 2 << 20});
    const auto backend = gpu_backend(gpu::kHostBf16);
    auto convolution = backend->make_convolution(weight.data(), bias.data(), 24, 24, 3);
    auto upsampling = backend->make_upsampling(weight.data(), bias.data(), 24, 24);
    REQUIRE(convolution);
    REQUIRE(upsampling);
    Map out(2, 13, 11, 24), doubled(2, 26, 22, 24);
    const long long before = gpu::host_counts().products;
    backend->convolve(x, **convolution, Activation::gelu, out);
    backend->upsample(x, **upsampling, Activation::gelu, doubled);
    require_ok(*backend);
    products[is_small] = gpu::host_counts().products - before;
    convolved[is_small] = out.values;
    upsampled[is_small] = doubled.values;
  }
  gpu::set_host_faults({});
  CHECK(products[0] == 2);
  CHECK(products[1] > 30);
  CHECK(convolved[0] == convolved[1]);
  CHECK(upsampled[0] == upsampled[1]);
}

TEST_CASE("gpu maps: too little memory is told, and works once there is enough") {
  Map x = Map::random(1, 8, 8, 64, 1);
  const auto weight = random_values(64 * 64, 1.0, 2);
  const auto backend = gpu_backend(gpu::kHostBf16);
  gpu::set_host_faults({.memory_bytes = 1 << 10});
  const auto refused = backend->make_convolution(weight.data(), nullptr, 64, 64, 1);
  REQUIRE(!refused);
  CHECK(refused.error().code == ErrorCode::out_of_memory);
  gpu::set_host_faults({});
  auto made = backend->make_convolution(weight.data(), nullptr, 64, 64, 1);
  REQUIRE(made);
  gpu::set_host_faults({.memory_bytes = 10 << 10});
  Map out(1, 8, 8, 64);
  backend->convolve(x, **made, Activation::none, out);
  const Status failed = backend->wait();
  REQUIRE(!failed);
  CHECK(failed.error().code == ErrorCode::out_of_memory);
  gpu::set_host_faults({});
  backend->convolve(x, **made, Activation::none, out);
  require_ok(*backend);
  CHECK(out.values[0] != 0.0f);
}
