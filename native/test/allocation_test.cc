// The forward pass allocates nothing once a shape has been seen. This file counts every operator new of the
// program, oneDNN's included: oneDNN makes a handful of small tables for each product that it executes, ours
// makes none.
#include <doctest/doctest.h>

#include <atomic>
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

void* counted(std::size_t bytes, std::size_t alignment) {
  if (counting) ++(bytes < kSmall ? small_count : large_count);
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment < sizeof(void*) ? sizeof(void*) : alignment, bytes) != 0)
    return nullptr;
  return memory;
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
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

TEST_CASE("the second call of a shape, and any smaller one, allocates nothing of its own") {
  using namespace winnow;
  auto engine = Engine::load(
      std::string(WINNOW_GOLDEN_DIR) + "/../../resources/models/everyday10.safetensors", "cpu", 2);
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
