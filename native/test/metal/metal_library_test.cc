// The Metal library over fakes of Apple's frameworks (fake_metal.h): what it encodes, in which order, and
// what it says when something fails.
#include <doctest/doctest.h>

#include <numeric>
#include <string>
#include <vector>

#include "gpu/gpu_backend.h"
#include "gpu/gpu_library.h"
#include "gpu/half.h"
#include "gpu/kernels/arguments.h"
#include "gpu/kernels/list.h"
#include "reference/reference_backend.h"
#include "test/backend/backend_checks.h"
#include "test/metal/fake/fake_metal.h"
#include "test/model/bundled_model.h"

extern "C" const WinnowGpuLibrary* winnow_gpu_library(std::int32_t version);

using namespace winnow;
using gpu::fake_metal;
using gpu::FakeMetal;

namespace {

const WinnowGpuLibrary& library() { return *winnow_gpu_library(WINNOW_GPU_VERSION); }

struct Opened {
  explicit Opened(const FakeMetal& fake = {}) {
    fake_metal() = fake;
    char reason[WINNOW_GPU_TEXT] = "";
    gpu = library().open(0, reason);
    REQUIRE_MESSAGE(gpu != nullptr, reason);
    fake_metal().products = fake_metal().dispatches = 0;
  }
  ~Opened() {
    library().close(gpu);
    fake_metal() = {};
  }
  template <typename T>
  T* put(const std::vector<T>& values) {
    void* memory = library().allocate(gpu, values.size() * sizeof(T));
    REQUIRE(memory != nullptr);
    REQUIRE(library().write(gpu, memory, values.data(), values.size() * sizeof(T)) == WINNOW_GPU_OK);
    return static_cast<T*>(memory);
  }
  template <typename T>
  std::vector<T> get(const T* memory, std::size_t count) {
    std::vector<T> values(count);
    REQUIRE(library().read(gpu, values.data(), memory, count * sizeof(T)) == WINNOW_GPU_OK);
    return values;
  }
  // to += from
  WinnowGpuStatus add(const float* from, float* to, int count) {
    const gpu::AddRows arguments{.from = from, .to = to, .count = count};
    WinnowGpuLaunch launch{};
    launch.kernel = static_cast<std::int32_t>(gpu::Kernel::add_rows);
    launch.blocks[0] = static_cast<std::uint32_t>((count + 255) / 256);
    launch.blocks[1] = launch.blocks[2] = 1;
    launch.threads = 256;
    launch.arguments = &arguments;
    launch.argument_bytes = sizeof arguments;
    return library().launch(gpu, &launch);
  }
  WinnowGpu* gpu;
};

std::vector<std::uint16_t> fp16(const std::vector<float>& values) {
  std::vector<std::uint16_t> bits(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) bits[i] = gpu::fp16_bits(values[i]);
  return bits;
}

// Two products of [rows, inputs] and [outputs, inputs], of random numbers; `w_step` 0 for one w.
void check_products(Opened& opened, bool out_is_fp32, bool has_one_w) {
  constexpr int kRows = 5, kInputs = 24, kOutputs = 7;
  const auto x = fp16(random_values(2 * kRows * kInputs, 1.0, 1));
  const auto w = fp16(random_values(2 * kOutputs * kInputs, 1.0, 2));
  const std::vector<float> before(2 * kRows * kOutputs, 0.5f);
  WinnowGpuProduct product{};
  product.x = opened.put(x);
  product.w = opened.put(w);
  const auto before_halves = fp16(before);
  void* out = out_is_fp32 ? static_cast<void*>(opened.put(before)) : opened.put(before_halves);
  product.out = out;
  product.rows = kRows;
  product.inputs = kInputs;
  product.outputs = kOutputs;
  product.count = 2;
  product.x_step = kRows * kInputs;
  product.w_step = has_one_w ? 0 : kOutputs * kInputs;
  product.out_step = kRows * kOutputs;
  product.scale = 0.25f;
  product.keep = 2.0f;
  product.out_is_fp32 = out_is_fp32;
  REQUIRE(library().multiply(opened.gpu, &product) == WINNOW_GPU_OK);
  std::vector<float> expected, actual;
  for (int b = 0; b < 2; ++b)
    for (int row = 0; row < kRows; ++row)
      for (int output = 0; output < kOutputs; ++output) {
        float sum = 0.0f;
        for (int i = 0; i < kInputs; ++i)
          sum += gpu::from_fp16(x[(b * kRows + row) * kInputs + i]) *
                 gpu::from_fp16(w[((has_one_w ? 0 : b) * kOutputs + output) * kInputs + i]);
        expected.push_back(0.25f * sum + 1.0f);
      }
  if (out_is_fp32)
    actual = opened.get(static_cast<float*>(out), expected.size());
  else
    for (std::uint16_t bits : opened.get(static_cast<std::uint16_t*>(out), expected.size()))
      actual.push_back(gpu::from_fp16(bits));
  CHECK(difference(expected, actual) < 1e-3);
}

}  // namespace

TEST_CASE("metal: a device says what it is, and one of another maker why it is not used") {
  WinnowGpuInfo info{};
  char reason[WINNOW_GPU_TEXT] = "";
  REQUIRE(library().list(&info, 1, reason) == 1);
  CHECK(std::string(info.name) == "Apple M0");
  CHECK(std::string(info.driver) == "Metal, macOS Version 13.0 (Build FAKE)");
  CHECK(std::string(info.id) == "metal-Apple M0");
  CHECK(std::string(info.reason).empty());
  CHECK(info.half_is_fp16 == 1);
  CHECK(info.shared_bytes == 32 << 10);
  fake_metal().is_apples = false;
  REQUIRE(library().list(&info, 1, reason) == 1);
  CHECK(std::string(info.reason) == "Apple M0 is not one of Apple's own GPUs from M1 on.");
  CHECK(library().open(0, reason) == nullptr);
  CHECK(std::string(reason) == info.reason);
  fake_metal() = {};
  CHECK(library().open(1, reason) == nullptr);
  CHECK(std::string(reason) == "There is no GPU 1.");
  CHECK(winnow_gpu_library(WINNOW_GPU_VERSION + 1) == nullptr);
}

TEST_CASE("metal: what is written while work is under way comes after it, and a read waits") {
  for (int odd : {0, 1}) {  // floats; bytes that are no whole words
    Opened opened;
    const std::vector<float> ones(300, 1.0f), twos(300, 2.0f);
    float* to = opened.put(ones);
    const float* from = opened.put(twos);
    REQUIRE(opened.add(from, to, 300) == WINNOW_GPU_OK);
    const std::vector<float> late(300, 10.0f);
    REQUIRE(library().write(opened.gpu, to, late.data(), 100 * sizeof(float) + odd) == WINNOW_GPU_OK);
    REQUIRE(opened.add(from, to + 50, 250) == WINNOW_GPU_OK);  // an address within memory
    const std::vector<float> actual = opened.get(to, 300);
    CHECK(actual[0] == 10.0f);
    CHECK(actual[50] == 12.0f);
    CHECK(actual[299] == 5.0f);
    CHECK(library().seconds(opened.gpu) > 0.0);
    CHECK(library().seconds(opened.gpu) == 0.0);
  }
}

TEST_CASE("metal: more work than a command buffer takes stays in order, and is cleared in between") {
  Opened opened;
  float* to = opened.put(std::vector<float>(8, 0.0f));
  const float* from = opened.put(std::vector<float>(8, 1.0f));
  for (int i = 0; i < 200; ++i) REQUIRE(opened.add(from, to, 8) == WINNOW_GPU_OK);
  REQUIRE(library().clear(opened.gpu, to + 4, 3 * sizeof(float) + 1) == WINNOW_GPU_OK);
  REQUIRE(opened.add(from, to, 8) == WINNOW_GPU_OK);
  CHECK(opened.get(to, 8) == std::vector<float>{201, 201, 201, 201, 1, 1, 1, 1});
}

TEST_CASE("metal: a recording does nothing until it is replayed, as often as wanted") {
  Opened opened;
  float* to = opened.put(std::vector<float>(4, 0.0f));
  const float* from = opened.put(std::vector<float>(4, 1.0f));
  REQUIRE(library().begin_recording(opened.gpu) == WINNOW_GPU_OK);
  REQUIRE(library().clear(opened.gpu, to, 4 * sizeof(float)) == WINNOW_GPU_OK);
  for (int i = 0; i < 3; ++i) REQUIRE(opened.add(from, to, 4) == WINNOW_GPU_OK);
  void* recording = library().end_recording(opened.gpu);
  REQUIRE(recording != nullptr);
  CHECK(opened.get(to, 4)[0] == 0.0f);
  for (int i = 0; i < 2; ++i) {
    REQUIRE(opened.add(from, to, 4) == WINNOW_GPU_OK);
    REQUIRE(library().replay(opened.gpu, recording) == WINNOW_GPU_OK);
    CHECK(opened.get(to, 4)[0] == 3.0f);
  }
  library().drop_recording(opened.gpu, recording);
}

TEST_CASE(
    "metal: products by Metal Performance Shaders, or by the built-in kernel for what they do not take") {
  Opened opened;
  for (bool out_is_fp32 : {true, false}) {
    check_products(opened, out_is_fp32, false);
    check_products(opened, out_is_fp32, true);
  }
  CHECK(fake_metal().products == 2);
  CHECK(fake_metal().dispatches == 2);
}

TEST_CASE("metal: where Metal Performance Shaders add up in fp16 the built-in kernel multiplies") {
  Opened opened({.adds_in_fp16 = true});
  check_products(opened, false, false);
  CHECK(fake_metal().products == 0);
  check_products(opened, true, false);
  CHECK(fake_metal().products == 1);
}

TEST_CASE("metal: too little memory is told, and the device goes on") {
  Opened opened;
  CHECK(library().allocate(opened.gpu, std::size_t{1} << 50) == nullptr);
  float* to = opened.put(std::vector<float>(4, 0.0f));
  const float* from = opened.put(std::vector<float>(4, 1.0f));
  fake_metal().commands_before = 0;
  REQUIRE(opened.add(from, to, 4) == WINNOW_GPU_OK);
  float value = 0.0f;
  CHECK(library().read(opened.gpu, &value, to, sizeof value) == WINNOW_GPU_OUT_OF_MEMORY);
  CHECK(std::string(library().failure(opened.gpu)).empty());
  REQUIRE(opened.add(from, to, 4) == WINNOW_GPU_OK);
  CHECK(opened.get(to, 1)[0] == 1.0f);
}

TEST_CASE("metal: a failure ends the device's use, with Metal's sentence") {
  Opened opened;
  float* to = opened.put(std::vector<float>(4, 0.0f));
  fake_metal().commands_before = 0;
  fake_metal().failure = 3;
  REQUIRE(opened.add(to, to, 4) == WINNOW_GPU_OK);
  CHECK(library().read(opened.gpu, nullptr, nullptr, 0) == WINNOW_GPU_LOST);
  CHECK(std::string(library().failure(opened.gpu)) == "the fake GPU fails");
  CHECK(opened.add(to, to, 4) == WINNOW_GPU_LOST);
  CHECK(library().write(opened.gpu, to, &to, 4) == WINNOW_GPU_LOST);
  CHECK(library().allocate(opened.gpu, 4) == nullptr);
}

TEST_CASE("metal: a block is the reference's, when it is computed, recorded and replayed") {
  constexpr int kDim = 20, kImages = 3, kTokens = 19, kValues = kImages * kTokens * kDim;
  const RandomBlock block(kDim, 16, 2, true, 0.3f, 11);
  const SpecialTokens special = SpecialTokens::class_token(9);
  const auto reference = make_reference_backend();
  const BlockRun expected = run_block(*reference, block.weights, kImages, kTokens, special, 0.5f);

  auto backend = make_gpu_backend(library(), 0);
  REQUIRE(backend);
  auto made = (*backend)->make_block(block.weights);
  REQUIRE(made);
  // All in one piece of memory, as a workspace has it.
  auto* stream = static_cast<float*>((*backend)->allocate((2 * kValues + 64) * sizeof(float) + 64));
  REQUIRE(stream != nullptr);
  float *added = stream + kValues, *logits = added + kValues;
  auto* directions = reinterpret_cast<std::uint8_t*>(logits + 64);
  const std::vector<float> input = random_values(kValues, 1.0, 7);  // as run_block's
  for (int i = 0; i < 4; ++i) {
    (*backend)->write(stream, input.data(), kValues * sizeof(float));
    const Status done = (*backend)->repeat({1}, [&] {
      (*backend)->run_block(**made, special, 0.5f, {stream, {kImages, kTokens, kDim}},
                            {directions, {kImages}}, {logits, {kImages, 2}},
                            {added, {kImages, kTokens, kDim}});
      return ok();
    });
    REQUIRE_MESSAGE(done, (done ? "" : done.error().message));
    BlockRun actual{
        std::vector<float>(kValues), {}, std::vector<float>(kValues), std::vector<std::uint8_t>(kImages)};
    (*backend)->read(actual.stream.data(), stream, kValues * sizeof(float));
    (*backend)->read(actual.added.data(), added, kValues * sizeof(float));
    (*backend)->read(actual.directions.data(), directions, kImages);
    const Status read = (*backend)->wait();
    REQUIRE_MESSAGE(read, (read ? "" : read.error().message));
    CHECK(expected.directions == actual.directions);
    CHECK(difference(expected.stream, actual.stream) < 0.015);
    CHECK(difference(expected.added, actual.added) < 0.03);
  }
  (*backend)->release(stream);
}

TEST_CASE("metal: the bundled model's logits are the reference's, and those of a replay the same") {
  BundledModel reference(make_reference_backend());
  Outputs expected;
  REQUIRE(reference.predict(2, 0.7, expected));
  auto backend = make_gpu_backend(library(), 0);
  REQUIRE(backend);
  BundledModel model(std::move(*backend));
  REQUIRE(model.model);
  std::vector<Outputs> actual(4);
  for (Outputs& outputs : actual) {
    const Status done = model.predict(2, 0.7, outputs, &expected.kept);
    REQUIRE_MESSAGE(done, (done ? "" : done.error().message));
    CHECK(difference(expected.logits, outputs.logits) < 0.02);
    CHECK(outputs.logits == actual[0].logits);
  }
}
