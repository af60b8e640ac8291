// A GPU library without a driver: it lists devices, as environment variables say, and opens none.
//   WINNOW_FAKE_GPUS   how many devices it lists; 0 is a machine without a driver
//   WINNOW_FAKE_GPU    what is wrong: "version", "old" (the first device has a reason), "crash" (listing
//   does)
#include <cstdio>
#include <cstdlib>
#include <string>

#include "gpu/gpu_library.h"

namespace {

bool is_wrong(const char* what) {
  const char* wrong = std::getenv("WINNOW_FAKE_GPU");
  return wrong != nullptr && std::string(wrong) == what;
}

void put(char (&target)[WINNOW_GPU_TEXT], const std::string& text) {
  std::snprintf(target, WINNOW_GPU_TEXT, "%s", text.c_str());
}

int32_t list(WinnowGpuInfo* infos, int32_t capacity, char reason[WINNOW_GPU_TEXT]) {
  if (is_wrong("crash")) std::abort();
  const char* wanted = std::getenv("WINNOW_FAKE_GPUS");
  const int count = wanted == nullptr ? 0 : std::atoi(wanted);
  if (count == 0) std::snprintf(reason, WINNOW_GPU_TEXT, "No driver was found: there is none.");
  for (int i = 0; i < count && i < capacity; ++i) {
    WinnowGpuInfo& info = infos[i] = {};
    put(info.name, "Fake " + std::to_string(i));
    put(info.driver, "driver 1.0");
    put(info.products, "built-in kernel");
    if (i == 0 && is_wrong("old")) put(info.reason, "Its driver 0.9 is older than 1.0.");
    std::snprintf(info.id, sizeof info.id, "fake-%d", i);
    info.memory_bytes = 8'000'000'000;
    info.free_bytes = 6'000'000'000 + i;
    info.half_is_fp16 = i;
  }
  return count;
}

WinnowGpu* open(int32_t, char reason[WINNOW_GPU_TEXT]) {
  std::snprintf(reason, WINNOW_GPU_TEXT, "The fake device cannot be opened.");
  return nullptr;
}

}  // namespace

extern "C" WINNOW_GPU_EXPORT const WinnowGpuLibrary* winnow_gpu_library(int32_t version) {
  static const WinnowGpuLibrary library = [] {
    WinnowGpuLibrary made{};
    made.list = list;
    made.open = open;
    return made;
  }();
  return version == WINNOW_GPU_VERSION && !is_wrong("version") ? &library : nullptr;
}
