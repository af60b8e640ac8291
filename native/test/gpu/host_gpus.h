// Backends of GPUs whose kernels run on this machine's processor.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <utility>

#include "gpu/gpu_backend.h"
#include "gpu/host/host_library.h"

namespace winnow {

// `device`: a gpu::HostDevice.
inline std::unique_ptr<Backend> gpu_backend(int device) {
  auto backend = make_gpu_backend(*gpu::host_gpu_library(), device);
  REQUIRE(backend);
  return std::move(*backend);
}

inline void require_ok(Backend& backend) {
  const Status done = backend.wait();
  REQUIRE_MESSAGE(done, (done ? "" : done.error().message));
}

}  // namespace winnow
