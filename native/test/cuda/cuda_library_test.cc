// The library for NVIDIA's GPUs over a stand-in for the driver whose kernels run on this machine's processor:
// how it finds devices, loads, computes, records, multiplies, and fails.
#include <doctest/doctest.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "gpu/gpu_backend.h"
#include "gpu/half.h"
#include "platform/shared_library.h"
#include "reference/reference_backend.h"
#include "test/backend/backend_checks.h"
#include "test/cuda/fake/fake_cuda.h"
#include "test/model/bundled_model.h"

using namespace winnow;

namespace {

constexpr int kHopper = 0, kTuring = 1, kPascal = 2;

const WinnowGpuLibrary& cuda_library() {
  static const WinnowGpuLibrary* library = [] {
    setenv("WINNOW_CUDA_DRIVER", FAKE_CUDA, 1);
    setenv("WINNOW_CUBLASLT", FAKE_CUBLASLT, 1);
    setenv("FAKE_CUDA_DEVICES", "90,75,61", 1);
    const SharedLibrary opened({WINNOW_CUDA_LIBRARY});
    REQUIRE_MESSAGE(opened.is_open(), opened.problem());
    WinnowGpuEntry entry = nullptr;
    REQUIRE(opened.find("winnow_gpu_library", entry));
    CHECK(entry(WINNOW_GPU_VERSION + 1) == nullptr);
    return entry(WINNOW_GPU_VERSION);
  }();
  REQUIRE(library != nullptr);
  return *library;
}

// The stand-in's own functions, in the copy that the library has opened.
template <typename Function>
Function* fake(const char* name) {
  cuda_library();
  Function* function = nullptr;
  REQUIRE(SharedLibrary({FAKE_CUDA}).find(name, function));
  return function;
}

// Faults until the end of its scope.
struct Faults {
  explicit Faults(const FakeCudaFaults& faults) { set(faults); }
  ~Faults() { set({}); }
  static void set(const FakeCudaFaults& faults) { fake<decltype(fake_cuda_set)>("fake_cuda_set")(&faults); }
};

FakeCudaCounts counts() { return fake<decltype(fake_cuda_get)>("fake_cuda_get")(); }

std::unique_ptr<Backend> cuda_backend(int index) {
  auto backend = make_gpu_backend(cuda_library(), index);
  REQUIRE_MESSAGE(backend, (backend ? "" : backend.error().message));
  return std::move(*backend);
}

}  // namespace

TEST_CASE("cuda: devices with their memory, driver and library, and why one is not used") {
  WinnowGpuInfo infos[4];
  char reason[WINNOW_GPU_TEXT] = "";
  REQUIRE(cuda_library().list(infos, 4, reason) == 3);
  CHECK(std::string(infos[kHopper].name) == "Fake GPU 0");
  CHECK(std::string(infos[kHopper].driver) == "driver 580.65.06, CUDA 13.0");
  CHECK(std::string(infos[kHopper].products) == "cuBLASLt 13.1");
  CHECK(std::string(infos[kHopper].reason).empty());
  CHECK(infos[kHopper].memory_bytes == 1ull << 33);
  CHECK(infos[kHopper].free_bytes <= infos[kHopper].memory_bytes);
  CHECK(infos[kHopper].half_is_fp16 == 0);
  CHECK(infos[kTuring].half_is_fp16 == 1);
  CHECK(std::strcmp(infos[kHopper].id, infos[kTuring].id) != 0);
  CHECK(std::string(infos[kPascal].reason).find("sm_61") != std::string::npos);
  const auto refused = make_gpu_backend(cuda_library(), kPascal);
  REQUIRE(!refused);
  CHECK(refused.error().message.find("sm_75") != std::string::npos);
}

TEST_CASE("cuda: cuBLASLt's products and the built-in kernel's agree, whatever the shape") {
  for (int device : {kHopper, kTuring})
    for (const auto& [rows, inputs, outputs] :
         {std::array{5, 16, 24}, std::array{130, 40, 136}, std::array{7, 9, 3}}) {
      CAPTURE(rows);
      CAPTURE(inputs);
      const auto reference = make_reference_backend();
      const auto backend = cuda_backend(device);
      const auto weight = random_values(static_cast<std::size_t>(outputs) * inputs, 1.0, 1),
                 bias = random_values(outputs, 1.0, 2);
      auto x = random_values(static_cast<std::size_t>(rows) * inputs, 1.0, 3);
      std::vector<float> expected(static_cast<std::size_t>(rows) * outputs), actual(expected.size());
      auto exact = reference->make_linear(weight.data(), bias.data(), outputs, inputs);
      auto fast = backend->make_linear(weight.data(), bias.data(), outputs, inputs);
      REQUIRE(exact);
      REQUIRE(fast);
      reference->linear({x.data(), {1, rows, inputs}}, **exact, Activation::gelu,
                        {expected.data(), {1, rows, outputs}});
      auto* input = static_cast<float*>(backend->allocate(x.size() * sizeof(float)));
      auto* output = static_cast<float*>(backend->allocate(actual.size() * sizeof(float)));
      backend->write(input, x.data(), x.size() * sizeof(float));
      backend->linear({input, {1, rows, inputs}}, **fast, Activation::gelu, {output, {1, rows, outputs}});
      backend->read(actual.data(), output, actual.size() * sizeof(float));
      CHECK(backend->wait());
      CHECK(difference(expected, actual) < 0.015);
      backend->release(input);
      backend->release(output);
    }
}

TEST_CASE("cuda: uploads larger than the pinned buffers arrive whole") {
  const auto backend = cuda_backend(kHopper);
  std::vector<std::uint8_t> sent((20 << 20) + 13), received(sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<std::uint8_t>(i * 31 + i / 1000);
  void* memory = backend->allocate(sent.size());
  backend->write(memory, sent.data(), sent.size());
  backend->read(received.data(), memory, sent.size());
  CHECK(sent == received);
  backend->release(memory);
}

TEST_CASE("cuda: a model predicts as the reference does, and calls that come again are one graph") {
  BundledModel reference(make_reference_backend());
  Outputs expected;
  REQUIRE(reference.predict(3, 0.7, expected));
  for (int device : {kHopper, kTuring}) {
    const Faults none({});
    BundledModel model(cuda_backend(device));
    REQUIRE(model.model);
    Outputs replayed;
    REQUIRE(model.predict(3, 0.7, replayed, &expected.kept));
    CHECK(difference(expected.logits, replayed.logits) < 0.02);
    std::vector<Outputs> outputs(5);
    for (Outputs& output : outputs) REQUIRE(model.predict(2, 0.7, output));
    for (const Outputs& output : outputs) CHECK(output.logits == outputs[0].logits);
    CHECK(counts().graph_launches >= 2);
  }
}

TEST_CASE("cuda: too little memory for a batch is told, and a smaller one works") {
  BundledModel model(cuda_backend(kHopper));
  REQUIRE(model.model);
  Outputs before, outputs;
  REQUIRE(model.predict(1, 0.7, before));
  const Faults small({.memory_bytes = 64 << 20});
  const Status refused = model.predict(1000, 0.7, outputs);
  REQUIRE(!refused);
  CHECK(refused.error().code == ErrorCode::out_of_memory);
  REQUIRE(model.predict(1, 0.7, outputs));
  CHECK(outputs.logits == before.logits);
}

TEST_CASE("cuda: a device without memory for what the library needs is refused in a sentence") {
  const Faults tiny({.memory_bytes = 1 << 20});
  const auto refused = make_gpu_backend(cuda_library(), kHopper);
  REQUIRE(!refused);
  CHECK(refused.error().message == "Fake GPU 0 cannot be used: out of memory.");
}

TEST_CASE("cuda: a device that is lost is told, in a graph too, and others go on") {
  for (long long launches : {30ll, 200ll}) {
    BundledModel model(cuda_backend(kHopper));
    REQUIRE(model.model);
    const Faults lost({.launches_before_loss = launches});
    Outputs outputs;
    Status done = ok();
    for (int i = 0; i < 6 && done; ++i) done = model.predict(1, 0.7, outputs);
    REQUIRE(!done);
    CHECK(done.error().code == ErrorCode::device_lost);
    CHECK(done.error().message.find("unspecified launch failure") != std::string::npos);
    CHECK(!model.predict(1, 0.7, outputs));
  }
  BundledModel model(cuda_backend(kTuring));
  REQUIRE(model.model);
  Outputs outputs;
  CHECK(model.predict(1, 0.7, outputs));
}
