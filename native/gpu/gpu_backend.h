// The backend of every GPU: which kernels and products an operation is made of, whoever made the device.
//
// Products are of 16-bit factors with fp32 sums; residual stream, scan states, gates and scores are fp32.
#pragma once

#include <memory>

#include "gpu/gpu_library.h"
#include "ops/backend.h"

namespace winnow {

// Device `index` of a library that outlives the backend. Fails with engine, in the library's sentence, where
// it cannot be used.
Result<std::unique_ptr<Backend>> make_gpu_backend(const WinnowGpuLibrary& library, int index);

}  // namespace winnow
