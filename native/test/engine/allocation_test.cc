// The forward pass allocates nothing once a shape has been seen. This file counts every operator new of the
// program, oneDNN's included: oneDNN makes a handful of small tables for each product that it executes, ours
// makes none.
#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "bench/random_model.h"
#include "engine/engine.h"

namespace {

constexpr std::size_t kSmall = 1024;  // bytes: above oneDNN's argument tables, below any tensor of the models

std::atomic<bool> counting = false;
std::atomic<long> small_count = 0, large_count = 0;

// As the library does, which on Windows gives back what others have taken and the other way round.
void* allocate(std::size_t bytes, std::size_t alignment) {
  if (alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__) return std::malloc(bytes == 0 ? 1 : bytes);
#ifdef _WIN32
  return _aligned_malloc(bytes, alignment);
#else
  void* memory = nullptr;
  return posix_memalign(&memory, alignment, bytes) == 0 ? memory : nullptr;
#endif
}

void free_aligned(void* memory) {
#ifdef _WIN32
  _aligned_free(memory);
#else
  std::free(memory);
#endif
}

void* counted(std::size_t bytes, std::size_t alignment) {
  if (counting) ++(bytes < kSmall ? small_count : large_count);
  return allocate(bytes, alignment);
}

void* counted_or_throw(std::size_t bytes, std::size_t alignment) {
  void* memory = counted(bytes, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t bytes) { return counted_or_throw(bytes, alignof(std::max_align_t)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return counted_or_throw(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return counted(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return counted(bytes, alignof(std::max_align_t));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { free_aligned(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { free_aligned(memory); }

TEST_CASE("the second call of a shape, and any smaller one, allocates nothing of its own") {
  using namespace winnow;
  auto engine = Engine::load(std::string(WINNOW_GOLDEN_DIR) + "/../models/everyday10.safetensors", "cpu", 2);
  REQUIRE(engine);
  const std::vector<std::uint8_t> pixels(4 * 3072, 90);
  DynamicOptions options;
  Outputs outputs;
  const auto predict = [&](double r, int images) {
    options.token_keep = {r, r * r, r * r * r};
    REQUIRE((*engine)->predict(pixels.data(), images, options, outputs));
  };
  const auto counts = [&](double r, int images) {
    small_count = large_count = 0;
    counting = true;
    predict(r, images);
    counting = false;
    return std::pair<long, long>(small_count, large_count);
  };
  const auto [first_small, first_large] = counts(1.0, 4);
  CHECK(first_large > 0);  // the count works
  predict(0.7, 4);
  CHECK(counts(1.0, 4).second == 0);
  CHECK(counts(0.7, 4).second == 0);
  CHECK(counts(0.7, 2).second == 0);
  CHECK(counts(0.7, 4).first < first_small);
}

TEST_CASE("registers allocate nothing either") {
  using namespace winnow;
  auto backend = make_backend("cpu", 2);
  REQUIRE(backend);
  DyvmConfig config = published_size("T-reg");
  config.depth = 7;
  config.pruning_layers = {2, 4, 6};
  config.classes = 10;
  auto weights = random_weights(config, {}, 0, 1.0);
  REQUIRE(weights);
  auto model = DyvmModel::create(config, *weights, **backend);
  REQUIRE(model);
  const std::vector<std::uint8_t> pixels(2 * 3 * 224 * 224, 90);
  DynamicOptions options;
  options.token_keep = config.token_keep;
  Outputs outputs;
  REQUIRE((*model)->predict(pixels.data(), 2, options, outputs));
  large_count = 0;
  counting = true;
  const Status done = (*model)->predict(pixels.data(), 2, options, outputs);
  counting = false;
  REQUIRE(done);
  CHECK(large_count == 0);
}

TEST_CASE("feature maps allocate nothing either") {
  using namespace winnow;
  for (Precision precision : {Precision::fp32, Precision::bf16}) {
    auto backend =
        make_backend("cpu", 1, precision);  // with more, which of them has seen the largest box is chance
    if (!backend) continue;                 // a processor without bf16
    constexpr int kChannels = 64, kSide = 32, kBoxes = 20;
    const std::vector<float> weight(kChannels * kChannels * 9, 0.01f);
    auto convolution = (*backend)->make_convolution(weight.data(), nullptr, kChannels, kChannels, 3);
    auto upsampling = (*backend)->make_upsampling(weight.data(), nullptr, kChannels, kChannels);
    REQUIRE(convolution);
    REQUIRE(upsampling);
    const std::size_t area = kSide * kSide * kChannels;
    std::vector<float> values(area, 1.0f), same(area), twice(4 * area), quarter(area / 4), boxes(4 * kBoxes);
    const Tensor x(values.data(), {1, kSide, kSide, kChannels}), y(same.data(), {1, kSide, kSide, kChannels});
    const Tensor small(quarter.data(), {1, kSide / 2, kSide / 2, kChannels});
    const std::vector<int> level(kBoxes, 0);
    for (int r = 0; r < kBoxes; ++r) {
      boxes[4 * r + 2] = 10.0f * static_cast<float>(r);
      boxes[4 * r + 3] = 7.0f * static_cast<float>(r);
    }
    const int strides[] = {8};
    const auto run = [&] {
      (*backend)->convolve(x, **convolution, Activation::relu, y);
      (*backend)->upsample(x, **upsampling, Activation::gelu,
                           {twice.data(), {1, 2 * kSide, 2 * kSide, kChannels}});
      (*backend)->max_pool(x, small);
      (*backend)->average_pool(x, {twice.data(), {1, 3, 3, kChannels}});
      (*backend)->resize_map(small, y, true);
      (*backend)->norm_channels(y, weight.data(), weight.data(), 1e-6f, Activation::relu, y);
      (*backend)->roi_align({&x, 1}, strides, boxes.data(), level.data(), kBoxes,
                            {twice.data(), {kBoxes, 7, 7, kChannels}});
    };
    large_count = 0;
    counting = true;
    run();
    const long first = large_count;
    large_count = 0;
    run();
    counting = false;
    CHECK(first > 0);
    CHECK(large_count == 0);
  }
}
