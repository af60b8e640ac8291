#include "cuda/driver.h"

#include <cstdlib>
#include <vector>

#include "platform/shared_library.h"

namespace winnow::cuda {
namespace {

// NVIDIA's first driver of each version of CUDA that a fat binary may be built by; before 11 there is none.
const char* first_driver_of(int version) {
  return version >= 13000 ? "580" : version >= 12000 ? "525" : "450";
}

// The management library that comes with the driver: what the driver's own interface cannot tell without
// taking memory of the device.
struct Management {
  struct Memory {
    unsigned long long total, free, used;
  };
  int (*nvmlInit_v2)() = nullptr;
  int (*nvmlSystemGetDriverVersion)(char*, unsigned) = nullptr;
  int (*nvmlDeviceGetHandleByUUID)(const char*, void**) = nullptr;
  int (*nvmlDeviceGetMemoryInfo)(void*, Memory*) = nullptr;
  bool works = false;

  static const Management& get() {
    static const Management management;
    return management;
  }

 private:
  Management() {
    const char* other = std::getenv("WINNOW_CUDA_DRIVER");  // whose stand-in has these, too
#ifdef _WIN32
    const std::string usual = "nvml.dll";
#else
    const std::string usual = "libnvidia-ml.so.1";
#endif
    const SharedLibrary library({other != nullptr ? other : usual});
    works = library.is_open() && library.find("nvmlInit_v2", nvmlInit_v2) &&
            library.find("nvmlSystemGetDriverVersion", nvmlSystemGetDriverVersion) &&
            library.find("nvmlDeviceGetHandleByUUID", nvmlDeviceGetHandleByUUID) &&
            library.find("nvmlDeviceGetMemoryInfo", nvmlDeviceGetMemoryInfo) && nvmlInit_v2() == 0;
  }
};

std::string find_release() {
  char version[96] = "";
  const Management& management = Management::get();
  if (management.works) management.nvmlSystemGetDriverVersion(version, sizeof version);
  return version;
}

Driver open() {
  Driver driver;
  const char* other = std::getenv("WINNOW_CUDA_DRIVER");
#ifdef _WIN32
  const std::string usual = "nvcuda.dll";
#else
  const std::string usual = "libcuda.so.1";
#endif
  const SharedLibrary library({other != nullptr ? other : usual});
  if (!library.is_open()) {
    driver.problem = "No NVIDIA driver was found (" + usual + "): install one to use an NVIDIA GPU.";
    return driver;
  }
#define WINNOW_TEXT_OF(name) #name
#define WINNOW_FIND(name)                                                                 \
  if (!library.find(WINNOW_TEXT_OF(name), driver.name)) {                                 \
    driver.problem = "The NVIDIA driver is too old: it has no " WINNOW_TEXT_OF(name) "."; \
    return driver;                                                                        \
  }
  WINNOW_DRIVER_FUNCTIONS(WINNOW_FIND)
#undef WINNOW_FIND
#undef WINNOW_TEXT_OF
  if (const CUresult result = driver.cuInit(0); result != CUDA_SUCCESS) {
    driver.problem = result == CUDA_ERROR_NO_DEVICE
                         ? kNoGpu
                         : "The NVIDIA driver does not start: " + driver.text_of(result) + ".";
    return driver;
  }
  driver.cuDriverGetVersion(&driver.version);
  driver.release = find_release();
  // A fat binary runs on the drivers of its own major version of CUDA and of later ones.
  constexpr int kNeeded = CUDA_VERSION / 1000 * 1000;
  if (driver.version < kNeeded)
    driver.problem = "The NVIDIA driver " + (driver.release.empty() ? "" : driver.release + " ") +
                     "supports CUDA " + version_text(driver.version) + ", and Winnow needs " +
                     version_text(kNeeded) + ": update it to " + first_driver_of(kNeeded) + " or newer.";
  return driver;
}

}  // namespace

const Driver& Driver::get() {
  static const Driver driver = open();
  return driver;
}

std::string Driver::text_of(CUresult result) const {
  const char* text = nullptr;
  cuGetErrorString(result, &text);
  return text == nullptr ? "error " + std::to_string(result) : text;
}

std::uint64_t Driver::free_bytes(const std::string& id, std::uint64_t all) const {
  const Management& management = Management::get();
  void* device = nullptr;
  Management::Memory memory{};
  if (!management.works || management.nvmlDeviceGetHandleByUUID(id.c_str(), &device) != 0 ||
      management.nvmlDeviceGetMemoryInfo(device, &memory) != 0)
    return all;
  return memory.free;
}

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

}  // namespace winnow::cuda
