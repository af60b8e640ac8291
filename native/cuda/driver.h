// NVIDIA's driver, opened at run time.
#pragma once

#include <cuda.h>

#include <cstdint>
#include <string>

namespace winnow::cuda {

// The functions of the driver's interface that are used here, by the names that cuda.h gives their versions.
// clang-format off
#define WINNOW_DRIVER_FUNCTIONS(each)                                                              \
  each(cuInit) each(cuDriverGetVersion) each(cuDeviceGetCount) each(cuDeviceGet)                   \
  each(cuDeviceGetName) each(cuDeviceGetUuid) each(cuDeviceGetAttribute) each(cuDeviceTotalMem)    \
  each(cuDevicePrimaryCtxRetain) each(cuDevicePrimaryCtxRelease) each(cuCtxSetCurrent)             \
  each(cuModuleLoadData) each(cuModuleUnload) each(cuModuleGetFunction) each(cuFuncSetAttribute)   \
  each(cuFuncGetAttribute) each(cuMemAlloc) each(cuMemFree) each(cuMemAllocHost)                   \
  each(cuMemFreeHost) each(cuMemcpyHtoDAsync) each(cuMemcpyDtoHAsync) each(cuMemsetD8Async)        \
  each(cuStreamCreate) each(cuStreamDestroy) each(cuStreamSynchronize) each(cuStreamBeginCapture)  \
  each(cuStreamEndCapture) each(cuGraphDestroy) each(cuGraphInstantiateWithFlags)                  \
  each(cuGraphExecDestroy) each(cuGraphLaunch) each(cuLaunchKernel) each(cuEventCreate)            \
  each(cuEventDestroy) each(cuEventRecord) each(cuEventSynchronize) each(cuEventElapsedTime)       \
  each(cuGetErrorString)
// clang-format on

// One sentence, also for what a driver without a GPU says when it starts.
inline constexpr const char* kNoGpu = "The NVIDIA driver sees no GPU.";

struct Driver {
#define WINNOW_POINTER(name) decltype(&::name) name = nullptr;
  WINNOW_DRIVER_FUNCTIONS(WINNOW_POINTER)
#undef WINNOW_POINTER

  std::string problem;  // one sentence, why it cannot be used; empty when it can
  int version = 0;      // that it supports of CUDA: 13000 is 13.0
  std::string release;  // its own, "580.65.06"; empty where it cannot be told

  // What the driver says of a result, or its number.
  std::string text_of(CUresult result) const;
  // Bytes that the GPU of this id has free, by the management library; `all` of them where it cannot tell.
  std::uint64_t free_bytes(const std::string& id, std::uint64_t all) const;

  // The machine's, opened at the first call. WINNOW_CUDA_DRIVER names another file for tests.
  static const Driver& get();
};

std::string version_text(int version);

}  // namespace winnow::cuda
