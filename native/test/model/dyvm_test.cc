// The whole model: what a call may vary, what it must not, and what it refuses.
#include "model/dyvm.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "engine/engine.h"
#include "test/device_names.h"

using namespace winnow;

namespace {

// Small, trained, its decisions differ between pictures.
const std::string kPackage = std::string(WINNOW_GOLDEN_DIR) + "/../models/everyday10.safetensors";

std::unique_ptr<Engine> load(const std::string& device, int threads = 0,
                             Precision precision = Precision::fp32) {
  auto engine = Engine::load(kPackage, device, threads, precision);
  if (!engine) FAIL(engine.error().message);
  return std::move(*engine);
}

// Smooth coloured pictures [count, 32, 32, 3], each another.
std::vector<std::uint8_t> pictures(int count) {
  std::vector<std::uint8_t> pixels(3ull * 32 * 32 * count);
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const int c = static_cast<int>(i % 3), x = static_cast<int>(i / 3 % 32),
              y = static_cast<int>(i / 96 % 32);
    const int picture = static_cast<int>(i / 3072);
    pixels[i] =
        static_cast<std::uint8_t>((x * (3 + picture) + y * (5 + c) * (picture % 4) + 40 * c * picture) % 256);
  }
  return pixels;
}

Outputs predict(Engine& engine, const std::vector<std::uint8_t>& pixels, const DynamicOptions& options) {
  Outputs outputs;
  const Status done = engine.predict(pixels.data(), static_cast<int>(pixels.size() / 3072), options, outputs);
  if (!done) FAIL(done.error().message);
  return outputs;
}

DynamicOptions keep(double r, float threshold = 0.5f) {
  DynamicOptions options;
  options.token_keep = {r, r * r, r * r * r};
  options.block_threshold = threshold;
  return options;
}

}  // namespace

TEST_CASE("an image's result does not depend on what else is in the batch, nor on the threads") {
  for (const DeviceInfo& device : list_devices())
    for (Precision precision : device.precisions) {
      CAPTURE(device.name);
      CAPTURE(precision_name(precision));
      const auto all = pictures(9);
      const auto engine = load(device.name, 0, precision), single = load(device.name, 1, precision);
      const Outputs together = predict(*engine, all, keep(0.7));
      CHECK(predict(*single, all, keep(0.7)).logits == together.logits);
      for (int b = 0; b < 9; ++b) {
        const Outputs alone =
            predict(*engine, {all.begin() + b * 3072, all.begin() + (b + 1) * 3072}, keep(0.7));
        CHECK(std::equal(alone.logits.begin(), alone.logits.end(), together.logits.begin() + b * 10));
        CHECK(std::equal(alone.directions.begin(), alone.directions.end(),
                         together.directions.begin() + b * 8));
        CHECK(std::equal(alone.survived.begin(), alone.survived.end(), together.survived.begin() + b * 64));
      }
    }
}

TEST_CASE("a precision that the device does not compute is refused, and the nearest named") {
  const auto backend = make_backend("reference", 1, Precision::bf16);
  REQUIRE(!backend);
  CHECK(backend.error().code == ErrorCode::bad_argument);
  CHECK(backend.error().message.find("fp32") != std::string::npos);
  CHECK(!precision_of("fp64"));
}

TEST_CASE("the receipt tells how many patches each stage kept") {
  for (const std::string& device : device_names()) {
    const auto engine = load(device);
    const Outputs outputs = predict(*engine, pictures(3), keep(0.7));
    for (int b = 0; b < 3; ++b) {
      const auto begin = outputs.survived.begin() + b * 64, end = begin + 64;
      CHECK(std::count_if(begin, end, [](int stages) { return stages >= 1; }) == 44);  // int(0.7 64)
      CHECK(std::count_if(begin, end, [](int stages) { return stages >= 2; }) == 31);  // int(0.49 64)
      CHECK(std::count_if(begin, end, [](int stages) { return stages >= 3; }) == 21);  // int(0.343 64)
    }
  }
}

TEST_CASE("the block threshold's ends run everything and nothing") {
  for (const std::string& device : device_names()) {
    const auto engine = load(device);
    const Outputs all = predict(*engine, pictures(2), keep(1.0, 0.0f)),
                  none = predict(*engine, pictures(2), keep(1.0, 1.0f));
    CHECK(std::all_of(all.directions.begin(), all.directions.end(),
                      [](int d) { return d == (kForward | kBackward); }));
    CHECK(std::all_of(none.directions.begin(), none.directions.end(), [](int d) { return d == 0; }));
    CHECK(std::all_of(all.survived.begin(), all.survived.end(), [](int stages) { return stages == 3; }));
  }
}

TEST_CASE("ratios from one patch to all of them, on both backends alike") {
  const auto all = pictures(4);
  std::vector<std::vector<float>> results;
  for (const std::string& device : device_names()) {
    const auto engine = load(device);
    std::vector<float>& logits = results.emplace_back();
    for (double r : {1e-9, 0.1, 0.35, 0.99, 1.0}) {
      const Outputs outputs = predict(*engine, all, keep(r));
      logits.insert(logits.end(), outputs.logits.begin(), outputs.logits.end());
    }
  }
  for (const auto& logits : results)
    for (std::size_t i = 0; i < logits.size(); ++i)
      CHECK(logits[i] == doctest::Approx(results[0][i]).epsilon(1e-3));
}

TEST_CASE("bad options are refused in words") {
  const auto engine = load("reference");
  const auto pixels = pictures(1);
  Outputs outputs;
  const auto refused = [&](std::vector<double> ratios, float threshold, int images = 1) {
    DynamicOptions options;
    options.token_keep = std::move(ratios);
    options.block_threshold = threshold;
    const Status done = engine->predict(pixels.data(), images, options, outputs);
    return !done && done.error().code == ErrorCode::bad_argument && done.error().message.ends_with(".");
  };
  CHECK(refused({0.0, 0.0, 0.0}, 0.5f));
  CHECK(refused({0.7, 0.8, 0.3}, 0.5f));
  CHECK(refused({1.1, 1.0, 1.0}, 0.5f));
  CHECK(refused({0.7, 0.5}, 0.5f));
  CHECK(refused({0.7, NAN, 0.3}, 0.5f));
  CHECK(refused({0.7, 0.5, 0.3}, -0.1f));
  CHECK(refused({0.7, 0.5, 0.3}, NAN));
  CHECK(refused({0.7, 0.5, 0.3}, 0.5f, 0));
}

TEST_CASE("a call is cancelled between layers, and the next one works") {
  for (const std::string& device : device_names()) {
    CAPTURE(device);
    const auto engine = load(device, 1);
    const auto pixels = pictures(256);
    std::atomic<bool> cancelled = false;
    DynamicOptions options = keep(1.0);
    options.cancel = &cancelled;
    Outputs outputs;
    std::thread canceller([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      cancelled = true;
    });
    const Status done = engine->predict(pixels.data(), 256, options, outputs);
    canceller.join();
    REQUIRE(!done);
    CHECK(done.error().code == ErrorCode::cancelled);
    CHECK(predict(*engine, pictures(1), keep(1.0)).images == 1);
  }
}

TEST_CASE("an unknown device is refused by naming those that there are") {
  const auto engine = Engine::load(kPackage, "abacus", 0);
  REQUIRE(!engine);
  CHECK(engine.error().message.find("reference") != std::string::npos);
}
