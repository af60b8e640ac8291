// A GPU library whose devices are this machine's processor, running the kernels as host_kernels.h does: to
// check the kernels and the backend over them where there is no GPU. It is not part of the product.
#pragma once

#include <cstddef>

#include "gpu/gpu_library.h"

namespace winnow::gpu {

// Devices, by index, as GPUs differ.
enum HostDevice {
  kHostBf16 = 0,   // bf16; products by plain loops
  kHostFp16 = 1,   // fp16; products by plain loops
  kHostSmall = 2,  // bf16; products by the built-in kernel; 32 KB of shared memory
};

const WinnowGpuLibrary* host_gpu_library();

// Of all devices together, from now on.
struct HostFaults {
  std::size_t memory_bytes = static_cast<std::size_t>(1) << 40;
  long long launches_before_loss = -1;  // none is lost
};
void set_host_faults(const HostFaults& faults);

// Launches, products and replays so far.
struct HostCounts {
  long long launches = 0, products = 0, replays = 0;
};
HostCounts host_counts();

}  // namespace winnow::gpu
