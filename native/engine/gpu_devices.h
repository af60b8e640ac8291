// The GPUs of this machine. Each maker's driver is known by a library of its own (gpu/gpu_library.h), which
// lies beside the addon or the program, or in the folder WINNOW_GPU_LIBRARIES, and is opened here when it is
// first needed.
#pragma once

#include <string>
#include <vector>

#include "engine/device_info.h"
#include "gpu/gpu_library.h"
#include "ops/result.h"

namespace winnow {

// 'cuda:0', 'cuda:1', ..., 'metal:0', usable or not. A library that finds no device, or cannot be used
// itself, is one entry with the backend's name and the reason. Nothing is listed for a library that is not
// there. This opens drivers, so it belongs into a process that may crash.
std::vector<DeviceInfo> list_gpus();

// Whether a device's name is a GPU's, there or not: 'cuda', which is 'cuda:0', or 'cuda:1'.
bool is_gpu_name(const std::string& name);

struct Gpu {
  const WinnowGpuLibrary* library;  // never closed
  int index;                        // of its devices
};

// Fails with bad_argument for a GPU that is not there, engine for one that cannot be used.
Result<Gpu> find_gpu(const std::string& name);

}  // namespace winnow
