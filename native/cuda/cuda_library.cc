// The library winnow-cuda: NVIDIA's GPUs behind gpu/gpu_library.h, through the driver alone.
#include <cuda.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "cuda/driver.h"
#include "cuda/products.h"
#include "gpu/built_in_product.h"
#include "gpu/gpu_library.h"
#include "gpu/kernels/list.h"

// The kernels of all architectures, as nvcc made them.
extern "C" const char winnow_cuda_kernels[];

namespace winnow::cuda {
namespace {

constexpr std::size_t kStaging = 8 << 20;     // bytes of each of the two buffers that uploads go through
constexpr std::size_t kWorkspace = 32 << 20;  // bytes, of cuBLASLt

constexpr std::size_t kKernels = static_cast<std::size_t>(gpu::Kernel::count);

void put(char* text, const std::string& value) { std::snprintf(text, WINNOW_GPU_TEXT, "%s", value.c_str()); }

int attribute(CUdevice device, CUdevice_attribute which) {
  int value = 0;
  Driver::get().cuDeviceGetAttribute(&value, which, device);
  return value;
}

// Major and minor number of its architecture: 75 is sm_75.
int architecture(CUdevice device) {
  return 10 * attribute(device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) +
         attribute(device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
}

constexpr int kFirstArchitecture = 75, kFirstWithBf16 = 80;

std::string uuid_text(const CUuuid& uuid) {
  std::string text = "GPU";
  char byte[3];
  for (int i = 0; i < 16; ++i) {
    if (i == 0 || i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    std::snprintf(byte, sizeof byte, "%02x", static_cast<unsigned char>(uuid.bytes[i]));
    text += byte;
  }
  return text;
}

WinnowGpuInfo describe_device(int index) {
  const Driver& driver = Driver::get();
  WinnowGpuInfo info{};
  CUdevice device = 0;
  driver.cuDeviceGet(&device, index);
  driver.cuDeviceGetName(info.name, sizeof info.name, device);
  put(info.driver, (driver.release.empty() ? "" : "driver " + driver.release + ", ") + "CUDA " +
                       version_text(driver.version));
  std::string missing;
  const CublasLt* cublaslt = find_cublaslt(missing);
  put(info.products, cublaslt != nullptr ? describe(*cublaslt) : "the built-in kernel, as " + missing);
  CUuuid uuid{};
  driver.cuDeviceGetUuid(&uuid, device);
  std::snprintf(info.id, sizeof info.id, "%s", uuid_text(uuid).c_str());
  std::size_t bytes = 0;
  driver.cuDeviceTotalMem(&bytes, device);
  info.memory_bytes = bytes;
  info.free_bytes = driver.free_bytes(uuid_text(uuid), bytes);
  info.half_is_fp16 = architecture(device) < kFirstWithBf16 ? 1 : 0;
  info.shared_bytes =
      static_cast<std::uint32_t>(attribute(device, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN));
  const int has = architecture(device);
  if (has < kFirstArchitecture)
    put(info.reason, "Its architecture is sm_" + std::to_string(has) +
                         ", and Winnow needs sm_75 (Turing, GeForce RTX 20) or newer.");
  return info;
}

}  // namespace
}  // namespace winnow::cuda

using namespace winnow;
using cuda::Driver;

// An opened device. Its context is the device's primary one, which a thread has to be given before it is
// used.
struct WinnowGpu {
  CUdevice device = 0;
  CUcontext context = nullptr;
  CUstream stream = nullptr;
  CUmodule module = nullptr;
  CUfunction functions[cuda::kKernels] = {};
  CUdeviceptr workspace = 0;
  std::unique_ptr<cuda::Products> products;
  struct Staging {
    void* memory = nullptr;
    CUevent free = nullptr;  // the upload out of it is done
  } staging[2];
  int next_staging = 0;
  CUevent last = nullptr, now = nullptr;  // of `seconds`
  std::string failure;

  // What a call of the driver came to. After a failure but for too little memory the context is of no use.
  WinnowGpuStatus check(CUresult result) {
    if (result == CUDA_SUCCESS) return WINNOW_GPU_OK;
    if (result == CUDA_ERROR_OUT_OF_MEMORY) return WINNOW_GPU_OUT_OF_MEMORY;
    if (failure.empty()) failure = Driver::get().text_of(result);
    return WINNOW_GPU_LOST;
  }
  // Makes the device this thread's.
  WinnowGpuStatus enter() {
    return failure.empty() ? check(Driver::get().cuCtxSetCurrent(context)) : WINNOW_GPU_LOST;
  }
};

namespace winnow::cuda {
namespace {

std::int32_t list(WinnowGpuInfo* infos, std::int32_t capacity, char reason[WINNOW_GPU_TEXT]) {
  const Driver& driver = Driver::get();
  int count = 0;
  if (driver.problem.empty()) driver.cuDeviceGetCount(&count);
  if (count == 0) put(reason, driver.problem.empty() ? kNoGpu : driver.problem);
  for (int i = 0; i < count && i < capacity; ++i) infos[i] = describe_device(i);
  return count;
}

void close(WinnowGpu* gpu) {
  const Driver& driver = Driver::get();
  if (gpu->context != nullptr) {
    driver.cuCtxSetCurrent(gpu->context);
    gpu->products.reset();
    for (WinnowGpu::Staging& staging : gpu->staging) {
      if (staging.free != nullptr) driver.cuEventDestroy(staging.free);
      if (staging.memory != nullptr) driver.cuMemFreeHost(staging.memory);
    }
    for (CUevent event : {gpu->last, gpu->now})
      if (event != nullptr) driver.cuEventDestroy(event);
    if (gpu->workspace != 0) driver.cuMemFree(gpu->workspace);
    if (gpu->module != nullptr) driver.cuModuleUnload(gpu->module);
    if (gpu->stream != nullptr) driver.cuStreamDestroy(gpu->stream);
    driver.cuDevicePrimaryCtxRelease(gpu->device);
  }
  delete gpu;
}

// The kernels, each with as much shared memory as a launch of it may ask for.
CUresult load_kernels(WinnowGpu& gpu) {
  const Driver& driver = Driver::get();
  CUresult result = driver.cuModuleLoadData(&gpu.module, winnow_cuda_kernels);
  const int most = attribute(gpu.device, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
  for (std::size_t i = 0; i < kKernels && result == CUDA_SUCCESS; ++i) {
    int own = 0;
    result = driver.cuModuleGetFunction(&gpu.functions[i], gpu.module, gpu::kKernelNames[i]);
    if (result == CUDA_SUCCESS)
      result = driver.cuFuncGetAttribute(&own, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, gpu.functions[i]);
    if (result == CUDA_SUCCESS)
      result = driver.cuFuncSetAttribute(gpu.functions[i], CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                                         most - own);
  }
  return result;
}

CUresult prepare(WinnowGpu& gpu) {
  const Driver& driver = Driver::get();
  CUresult result = driver.cuDevicePrimaryCtxRetain(&gpu.context, gpu.device);
  const auto then = [&](auto step) {
    if (result == CUDA_SUCCESS) result = step();
  };
  then([&] { return driver.cuCtxSetCurrent(gpu.context); });
  then([&] { return driver.cuStreamCreate(&gpu.stream, CU_STREAM_NON_BLOCKING); });
  then([&] { return load_kernels(gpu); });
  for (WinnowGpu::Staging& staging : gpu.staging) {
    then([&] { return driver.cuMemAllocHost(&staging.memory, kStaging); });
    then([&] { return driver.cuEventCreate(&staging.free, CU_EVENT_DISABLE_TIMING); });
  }
  for (CUevent* event : {&gpu.last, &gpu.now})
    then([&] { return driver.cuEventCreate(event, CU_EVENT_DEFAULT); });
  then([&] { return driver.cuEventRecord(gpu.last, gpu.stream); });
  then([&] { return driver.cuMemAlloc(&gpu.workspace, kWorkspace); });
  return result;
}

WinnowGpu* open(std::int32_t index, char reason[WINNOW_GPU_TEXT]) {
  const Driver& driver = Driver::get();
  const WinnowGpuInfo info = describe_device(index);
  if (info.reason[0] != '\0') {
    put(reason, info.reason);
    return nullptr;
  }
  auto* gpu = new WinnowGpu;
  driver.cuDeviceGet(&gpu->device, index);
  if (const CUresult result = prepare(*gpu); result != CUDA_SUCCESS) {
    put(reason, std::string(info.name) + " cannot be used: " + driver.text_of(result) + ".");
    close(gpu);
    return nullptr;
  }
  std::string missing;
  if (const CublasLt* cublaslt = find_cublaslt(missing))
    gpu->products =
        Products::create(*cublaslt, gpu->stream, gpu->workspace, kWorkspace, info.half_is_fp16 != 0);
  return gpu;
}

void* allocate(WinnowGpu* gpu, std::size_t bytes) {
  CUdeviceptr memory = 0;
  if (gpu->enter() != WINNOW_GPU_OK) return nullptr;
  return gpu->check(Driver::get().cuMemAlloc(&memory, bytes)) == WINNOW_GPU_OK
             ? reinterpret_cast<void*>(memory)
             : nullptr;
}

void release(WinnowGpu* gpu, void* memory) {
  if (gpu->enter() == WINNOW_GPU_OK)
    gpu->check(Driver::get().cuMemFree(reinterpret_cast<CUdeviceptr>(memory)));
}

// Through the two pinned buffers by turns: one is filled while the other is on its way.
WinnowGpuStatus write(WinnowGpu* gpu, void* target, const void* source, std::size_t bytes) {
  const Driver& driver = Driver::get();
  WinnowGpuStatus status = gpu->enter();
  for (std::size_t done = 0; done < bytes && status == WINNOW_GPU_OK; done += kStaging) {
    WinnowGpu::Staging& staging = gpu->staging[gpu->next_staging];
    gpu->next_staging = 1 - gpu->next_staging;
    const std::size_t part = bytes - done < kStaging ? bytes - done : kStaging;
    status = gpu->check(driver.cuEventSynchronize(staging.free));
    if (status != WINNOW_GPU_OK) break;
    std::memcpy(staging.memory, static_cast<const char*>(source) + done, part);
    status = gpu->check(driver.cuMemcpyHtoDAsync(reinterpret_cast<CUdeviceptr>(target) + done, staging.memory,
                                                 part, gpu->stream));
    if (status == WINNOW_GPU_OK) status = gpu->check(driver.cuEventRecord(staging.free, gpu->stream));
  }
  return status;
}

WinnowGpuStatus read(WinnowGpu* gpu, void* target, const void* source, std::size_t bytes) {
  const Driver& driver = Driver::get();
  WinnowGpuStatus status = gpu->enter();
  if (status == WINNOW_GPU_OK && bytes > 0)
    status = gpu->check(
        driver.cuMemcpyDtoHAsync(target, reinterpret_cast<CUdeviceptr>(source), bytes, gpu->stream));
  return status == WINNOW_GPU_OK ? gpu->check(driver.cuStreamSynchronize(gpu->stream)) : status;
}

WinnowGpuStatus clear(WinnowGpu* gpu, void* target, std::size_t bytes) {
  if (const WinnowGpuStatus status = gpu->enter(); status != WINNOW_GPU_OK) return status;
  return gpu->check(
      Driver::get().cuMemsetD8Async(reinterpret_cast<CUdeviceptr>(target), 0, bytes, gpu->stream));
}

WinnowGpuStatus launch(WinnowGpu* gpu, const WinnowGpuLaunch* launch) {
  if (const WinnowGpuStatus status = gpu->enter(); status != WINNOW_GPU_OK) return status;
  void* arguments[] = {const_cast<void*>(launch->arguments)};
  return gpu->check(Driver::get().cuLaunchKernel(gpu->functions[launch->kernel], launch->blocks[0],
                                                 launch->blocks[1], launch->blocks[2], launch->threads, 1, 1,
                                                 launch->shared_bytes, gpu->stream, arguments, nullptr));
}

WinnowGpuStatus multiply(WinnowGpu* gpu, const WinnowGpuProduct* p) {
  if (const WinnowGpuStatus status = gpu->enter(); status != WINNOW_GPU_OK) return status;
  if (gpu->products != nullptr && gpu->products->multiply(*p)) return WINNOW_GPU_OK;
  const gpu::BuiltInProduct built_in(*p);
  return launch(gpu, &built_in.launch);
}

WinnowGpuStatus begin_recording(WinnowGpu* gpu) {
  if (const WinnowGpuStatus status = gpu->enter(); status != WINNOW_GPU_OK) return status;
  return gpu->check(Driver::get().cuStreamBeginCapture(gpu->stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL));
}

void* end_recording(WinnowGpu* gpu) {
  const Driver& driver = Driver::get();
  CUgraph graph = nullptr;
  CUgraphExec recording = nullptr;
  if (gpu->enter() != WINNOW_GPU_OK ||
      gpu->check(driver.cuStreamEndCapture(gpu->stream, &graph)) != WINNOW_GPU_OK)
    return nullptr;
  const CUresult result = driver.cuGraphInstantiateWithFlags(&recording, graph, 0);
  driver.cuGraphDestroy(graph);
  return result == CUDA_SUCCESS ? recording : nullptr;  // without one the operations are done again
}

WinnowGpuStatus replay(WinnowGpu* gpu, void* recording) {
  if (const WinnowGpuStatus status = gpu->enter(); status != WINNOW_GPU_OK) return status;
  return gpu->check(Driver::get().cuGraphLaunch(static_cast<CUgraphExec>(recording), gpu->stream));
}

void drop_recording(WinnowGpu* gpu, void* recording) {
  if (gpu->enter() == WINNOW_GPU_OK)
    gpu->check(Driver::get().cuGraphExecDestroy(static_cast<CUgraphExec>(recording)));
}

double seconds(WinnowGpu* gpu) {
  const Driver& driver = Driver::get();
  float milliseconds = 0.0f;
  if (gpu->enter() != WINNOW_GPU_OK ||
      gpu->check(driver.cuEventRecord(gpu->now, gpu->stream)) != WINNOW_GPU_OK ||
      gpu->check(driver.cuEventSynchronize(gpu->now)) != WINNOW_GPU_OK)
    return 0.0;
  gpu->check(driver.cuEventElapsedTime(&milliseconds, gpu->last, gpu->now));
  std::swap(gpu->last, gpu->now);
  return milliseconds / 1000.0;
}

const char* failure(WinnowGpu* gpu) { return gpu->failure.c_str(); }

}  // namespace
}  // namespace winnow::cuda

extern "C" WINNOW_GPU_EXPORT const WinnowGpuLibrary* winnow_gpu_library(std::int32_t version) {
  using namespace winnow::cuda;
  static const WinnowGpuLibrary library{
      list,   open,     close,           allocate,      release, write,          read,    clear,
      launch, multiply, begin_recording, end_recording, replay,  drop_recording, seconds, failure};
  return version == WINNOW_GPU_VERSION ? &library : nullptr;
}
