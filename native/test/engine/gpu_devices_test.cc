// Finding GPUs by way of their libraries, over one without a driver.
#include "engine/gpu_devices.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "engine/engine.h"
#include "platform/shared_library.h"
#include "test/environment.h"

using namespace winnow;

namespace {

// Sets variables of the fake library for a test.
class FakeGpus {
 public:
  explicit FakeGpus(const char* count, const char* wrong = "", const char* folder = WINNOW_FAKE_GPU_DIR) {
    set_variable("WINNOW_GPU_LIBRARIES", folder);
    set_variable("WINNOW_FAKE_GPUS", count);
    set_variable("WINNOW_FAKE_GPU", wrong);
  }
  ~FakeGpus() { set_variable("WINNOW_GPU_LIBRARIES", ""); }
};

}  // namespace

TEST_CASE("every GPU of a library is listed, with what it says of itself") {
  const FakeGpus two("2");
  const auto gpus = list_gpus();
  REQUIRE(gpus.size() == 2);
  CHECK(gpus[0].name == "cuda:0");
  CHECK(gpus[1].name == "cuda:1");
  CHECK(gpus[0].description == "Fake 0; built-in kernel");
  CHECK(gpus[1].description == "Fake 1; built-in kernel; fp16 in place of bf16");
  CHECK(gpus[0].reason == "");
  CHECK(gpus[0].precisions == std::vector{Precision::bf16});
  REQUIRE(gpus[1].gpu);
  CHECK(gpus[1].gpu->id == "fake-1");
  CHECK(gpus[1].gpu->backend == "cuda");
  CHECK(gpus[1].gpu->driver == "driver 1.0");
  CHECK(gpus[1].gpu->memory_bytes == 8'000'000'000);
  CHECK(gpus[1].gpu->free_bytes == 6'000'000'001);
}

TEST_CASE("a GPU is found by its name, and 'cuda' is the first") {
  const FakeGpus two("2");
  for (const auto& [name, index] : {std::pair{"cuda", 0}, {"cuda:0", 0}, {"cuda:1", 1}}) {
    const auto gpu = find_gpu(name);
    REQUIRE(gpu);
    CHECK(gpu->index == index);
    CHECK(gpu->library != nullptr);
  }
  for (const char* name : {"cuda:2", "cuda:", "cuda:x", "cuda:-1", "cuda:1x"}) {
    CAPTURE(name);
    const auto gpu = find_gpu(name);
    REQUIRE(!gpu);
    CHECK(gpu.error().code == ErrorCode::bad_argument);
  }
  CHECK(is_gpu_name("metal:0"));
  CHECK(!is_gpu_name("cpu"));
}

TEST_CASE("a library without devices is one entry that says why") {
  const FakeGpus none("0");
  const auto gpus = list_gpus();
  REQUIRE(gpus.size() == 1);
  CHECK(gpus[0].name == "cuda");
  CHECK(gpus[0].reason == "No driver was found: there is none.");
  const auto gpu = find_gpu("cuda:0");
  REQUIRE(!gpu);
  CHECK(gpu.error().code == ErrorCode::engine);
  CHECK(gpu.error().message == gpus[0].reason);
}

TEST_CASE("a library of another version, or one that cannot be opened, is an entry that says so") {
  {
    const FakeGpus other("1", "version");
    const auto gpus = list_gpus();
    REQUIRE(gpus.size() == 1);
    CHECK(gpus[0].reason.find("another version of Winnow") != std::string::npos);
  }
  const auto folder = std::filesystem::temp_directory_path() / "winnow-no-library";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / library_file("winnow-cuda")) << "no library";
  {
    const FakeGpus broken("1", "", folder.string().c_str());
    const auto gpus = list_gpus();
    REQUIRE(gpus.size() == 1);
    CHECK(gpus[0].reason.find(library_file("winnow-cuda") + " cannot be opened: ") != std::string::npos);
  }
  std::filesystem::remove_all(folder);
  const FakeGpus nowhere("1", "", folder.string().c_str());
  CHECK(list_gpus().empty());
}

TEST_CASE("a GPU that cannot be used is listed with its reason, and makes no backend") {
  const FakeGpus old("2", "old");
  const auto gpus = list_gpus();
  REQUIRE(gpus.size() == 2);
  CHECK(gpus[0].reason == "Its driver 0.9 is older than 1.0.");
  CHECK(gpus[1].reason == "");
  const auto backend = make_backend("cuda:0", 1, Precision::bf16);
  REQUIRE(!backend);
  CHECK(backend.error().message == gpus[0].reason);
  const auto exact = make_backend("cuda:1", 1, Precision::fp32);
  REQUIRE(!exact);
  CHECK(exact.error().code == ErrorCode::bad_argument);
  CHECK(!make_backend("cuda:1", 1, Precision::bf16));  // it cannot be opened
}
