// A stand-in for NVIDIA's driver, for tests on machines without one: its devices are this machine's
// processor, their kernels those of gpu/kernels as the host's compiler made them. Read from the environment
// when it starts: FAKE_CUDA_DEVICES (architectures, "90,75"), FAKE_CUDA_VERSION ("13000"), FAKE_CUDA_INIT
// (what cuInit answers), FAKE_CUDA_MEMORY (bytes of a device) and FAKE_CUDA_LAUNCHES (before a device is
// lost). fake_cuda_set changes the last two later, and fake_cuda_get tells what has happened.
#include <cuda.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "gpu/host/host_kernels.h"
#include "test/cuda/fake/fake_cuda.h"

using winnow::gpu::HostKernel;

namespace {

using Work = std::function<int()>;

struct Device {
  int architecture;
  std::uint64_t used = 0;
  int retained = 0;
};

struct State {
  std::vector<Device> devices;
  int version = 13000;
  CUresult init = CUDA_SUCCESS;
  FakeCudaFaults faults;
  FakeCudaCounts counts;
  std::map<CUdeviceptr, std::pair<std::size_t, int>> memory;  // bytes, and whose
  bool lost = false;
};

long long number(const char* name, long long otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::atoll(value);
}

State read_environment() {
  State state;
  const char* listed = std::getenv("FAKE_CUDA_DEVICES");
  for (std::string rest = listed == nullptr ? "90" : listed; !rest.empty();) {
    const std::size_t comma = rest.find(',');
    state.devices.push_back(Device{std::atoi(rest.substr(0, comma).c_str())});
    rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
  }
  state.version = static_cast<int>(number("FAKE_CUDA_VERSION", 13000));
  state.init = static_cast<CUresult>(number("FAKE_CUDA_INIT", CUDA_SUCCESS));
  state.faults.memory_bytes = static_cast<std::uint64_t>(number("FAKE_CUDA_MEMORY", 1ll << 33));
  state.faults.launches_before_loss = number("FAKE_CUDA_LAUNCHES", -1);
  return state;
}

State& state() {
  static State all = read_environment();
  return all;
}

}  // namespace

struct CUctx_st {
  int device;
};
struct CUgraph_st {
  std::vector<Work> works;
};
struct CUgraphExec_st {
  std::vector<Work> works;
};
struct CUmod_st {
  bool is_fp16;
};
struct CUevent_st {
  std::chrono::steady_clock::time_point at;
};

namespace {

thread_local CUcontext current = nullptr;

// Does it now, or when the graph that is being captured is launched.
CUresult take(CUstream stream, Work work) {
  if (current == nullptr) return CUDA_ERROR_INVALID_CONTEXT;
  if (state().lost) return CUDA_ERROR_LAUNCH_FAILED;
  if (stream->capture == nullptr) return static_cast<CUresult>(work());
  stream->capture->push_back(std::move(work));
  return CUDA_SUCCESS;
}

CUresult alive() {
  if (current == nullptr) return CUDA_ERROR_INVALID_CONTEXT;
  return state().lost ? CUDA_ERROR_LAUNCH_FAILED : CUDA_SUCCESS;
}

CUresult run(const HostKernel* kernel, winnow::gpu::HostPlace blocks, unsigned threads, unsigned shared,
             const void* arguments) {
  State& all = state();
  if (all.faults.launches_before_loss >= 0 && all.counts.launches >= all.faults.launches_before_loss) {
    all.lost = true;
    return CUDA_ERROR_LAUNCH_FAILED;
  }
  ++all.counts.launches;
  const std::string wrong = kernel->launch(blocks, threads, shared, arguments);
  if (wrong.empty()) return CUDA_SUCCESS;
  std::fprintf(stderr, "%s\n", wrong.c_str());
  all.lost = true;
  return CUDA_ERROR_ILLEGAL_ADDRESS;
}

}  // namespace

extern "C" {

void fake_cuda_set(const FakeCudaFaults* faults) {
  state().faults = *faults;
  state().counts = {};
  state().lost = false;
}

FakeCudaCounts fake_cuda_get() { return state().counts; }

CUresult cuInit(unsigned) {
  if (state().init == CUDA_SUCCESS && state().devices.empty()) return CUDA_ERROR_NO_DEVICE;
  return state().init;
}

CUresult cuDriverGetVersion(int* version) {
  *version = state().version;
  return CUDA_SUCCESS;
}

CUresult cuGetErrorString(CUresult error, const char** text) {
  *text = error == CUDA_ERROR_OUT_OF_MEMORY     ? "out of memory"
          : error == CUDA_ERROR_LAUNCH_FAILED   ? "unspecified launch failure"
          : error == CUDA_ERROR_ILLEGAL_ADDRESS ? "an illegal memory access was encountered"
                                                : "another error";
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int* count) {
  *count = static_cast<int>(state().devices.size());
  return CUDA_SUCCESS;
}

CUresult cuDeviceGet(CUdevice* device, int index) {
  if (index < 0 || index >= static_cast<int>(state().devices.size())) return CUDA_ERROR_INVALID_DEVICE;
  *device = index;
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetName(char* name, int length, CUdevice device) {
  std::snprintf(name, static_cast<std::size_t>(length), "Fake GPU %d", device);
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetUuid(CUuuid* uuid, CUdevice device) {
  std::memset(uuid, 0, sizeof *uuid);
  uuid->bytes[15] = static_cast<char>(device + 1);
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute attribute, CUdevice device) {
  const int architecture = state().devices[device].architecture;
  switch (attribute) {
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
      *value = architecture / 10;
      return CUDA_SUCCESS;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
      *value = architecture % 10;
      return CUDA_SUCCESS;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN:
      *value = architecture < 80 ? 64 << 10 : 227 << 10;
      return CUDA_SUCCESS;
    default:
      return CUDA_ERROR_INVALID_VALUE;
  }
}

CUresult cuDeviceTotalMem(std::size_t* bytes, CUdevice) {
  *bytes = state().faults.memory_bytes;
  return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice device) {
  static std::map<CUdevice, CUctx_st> contexts;
  ++state().devices[device].retained;
  *context = &contexts.try_emplace(device, CUctx_st{device}).first->second;
  return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRelease(CUdevice device) {
  --state().devices[device].retained;
  return CUDA_SUCCESS;
}

CUresult cuCtxSetCurrent(CUcontext context) {
  current = context;
  return CUDA_SUCCESS;
}

CUresult cuModuleLoadData(CUmodule* module, const void* image) {
  // What nvcc makes begins with the magic number of a fat binary.
  constexpr unsigned char kMagic[] = {0x50, 0xed, 0x55, 0xba};
  if (std::memcmp(image, kMagic, sizeof kMagic) != 0) return CUDA_ERROR_INVALID_IMAGE;
  *module = new CUmod_st{state().devices[current->device].architecture < 80};
  return CUDA_SUCCESS;
}

CUresult cuModuleUnload(CUmodule module) {
  delete module;
  return CUDA_SUCCESS;
}

CUresult cuModuleGetFunction(CUfunction* function, CUmodule module, const char* name) {
  const HostKernel* kernel = HostKernel::find(name, module->is_fp16);
  if (kernel == nullptr) return CUDA_ERROR_NOT_FOUND;
  *function = reinterpret_cast<CUfunction>(const_cast<HostKernel*>(kernel));
  return CUDA_SUCCESS;
}

CUresult cuFuncGetAttribute(int* value, CUfunction_attribute, CUfunction) {
  *value = 0;
  return CUDA_SUCCESS;
}

CUresult cuFuncSetAttribute(CUfunction, CUfunction_attribute, int) { return CUDA_SUCCESS; }

CUresult cuMemAlloc(CUdeviceptr* memory, std::size_t bytes) {
  if (const CUresult result = alive(); result != CUDA_SUCCESS) return result;
  Device& device = state().devices[current->device];
  if (device.used + bytes > state().faults.memory_bytes) return CUDA_ERROR_OUT_OF_MEMORY;
  void* made = ::operator new(bytes, std::align_val_t{256}, std::nothrow);
  if (made == nullptr) return CUDA_ERROR_OUT_OF_MEMORY;
  std::memset(made, 0xff, bytes);  // NaN in every type
  device.used += bytes;
  *memory = reinterpret_cast<CUdeviceptr>(made);
  state().memory[*memory] = {bytes, current->device};
  return CUDA_SUCCESS;
}

CUresult cuMemFree(CUdeviceptr memory) {
  const auto entry = state().memory.find(memory);
  if (entry == state().memory.end()) return CUDA_ERROR_INVALID_VALUE;
  state().devices[entry->second.second].used -= entry->second.first;
  ::operator delete(reinterpret_cast<void*>(memory), std::align_val_t{256});
  state().memory.erase(entry);
  return CUDA_SUCCESS;
}

CUresult cuMemAllocHost(void** memory, std::size_t bytes) {
  *memory = std::malloc(bytes);
  return *memory == nullptr ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_SUCCESS;
}

CUresult cuMemFreeHost(void* memory) {
  std::free(memory);
  return CUDA_SUCCESS;
}

CUresult cuMemcpyHtoDAsync(CUdeviceptr target, const void* source, std::size_t bytes, CUstream stream) {
  return take(stream, [=] {
    std::memcpy(reinterpret_cast<void*>(target), source, bytes);
    return CUDA_SUCCESS;
  });
}

CUresult cuMemcpyDtoHAsync(void* target, CUdeviceptr source, std::size_t bytes, CUstream stream) {
  return take(stream, [=] {
    std::memcpy(target, reinterpret_cast<const void*>(source), bytes);
    return CUDA_SUCCESS;
  });
}

CUresult cuMemsetD8Async(CUdeviceptr target, unsigned char value, std::size_t bytes, CUstream stream) {
  return take(stream, [=] {
    std::memset(reinterpret_cast<void*>(target), value, bytes);
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamCreate(CUstream* stream, unsigned) {
  *stream = new CUstream_st;
  return CUDA_SUCCESS;
}

CUresult cuStreamDestroy(CUstream stream) {
  delete stream;
  return CUDA_SUCCESS;
}

CUresult cuStreamSynchronize(CUstream stream) {
  return stream->capture != nullptr ? CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED : alive();
}

CUresult cuStreamBeginCapture(CUstream stream, CUstreamCaptureMode) {
  stream->capture = std::make_unique<std::vector<Work>>();
  return CUDA_SUCCESS;
}

CUresult cuStreamEndCapture(CUstream stream, CUgraph* graph) {
  *graph = new CUgraph_st{std::move(*stream->capture)};
  stream->capture.reset();
  return CUDA_SUCCESS;
}

CUresult cuGraphDestroy(CUgraph graph) {
  delete graph;
  return CUDA_SUCCESS;
}

CUresult cuGraphInstantiateWithFlags(CUgraphExec* executable, CUgraph graph, unsigned long long) {
  *executable = new CUgraphExec_st{graph->works};
  return CUDA_SUCCESS;
}

CUresult cuGraphExecDestroy(CUgraphExec executable) {
  delete executable;
  return CUDA_SUCCESS;
}

CUresult cuGraphLaunch(CUgraphExec executable, CUstream stream) {
  ++state().counts.graph_launches;
  for (const Work& work : executable->works)
    if (const CUresult result = take(stream, work); result != CUDA_SUCCESS) return result;
  return CUDA_SUCCESS;
}

CUresult cuLaunchKernel(CUfunction function, unsigned x, unsigned y, unsigned z, unsigned threads, unsigned,
                        unsigned, unsigned shared, CUstream stream, void** parameters, void**) {
  const auto* kernel = reinterpret_cast<const HostKernel*>(function);
  const auto* bytes = static_cast<const std::byte*>(parameters[0]);
  if (y > 65535 || z > 65535 || x == 0 || y == 0 || z == 0) return CUDA_ERROR_INVALID_VALUE;
  std::vector<std::byte> arguments(bytes, bytes + kernel->argument_bytes);
  return take(stream, [=, arguments = std::move(arguments)] {
    return run(kernel, {x, y, z}, threads, shared, arguments.data());
  });
}

CUresult cuEventCreate(CUevent* event, unsigned) {
  *event = new CUevent_st{std::chrono::steady_clock::now()};
  return CUDA_SUCCESS;
}

CUresult cuEventDestroy(CUevent event) {
  delete event;
  return CUDA_SUCCESS;
}

CUresult cuEventRecord(CUevent event, CUstream) {
  event->at = std::chrono::steady_clock::now();
  return alive();
}

CUresult cuEventSynchronize(CUevent) { return alive(); }

CUresult cuEventElapsedTime(float* milliseconds, CUevent from, CUevent to) {
  *milliseconds = std::chrono::duration<float, std::milli>(to->at - from->at).count();
  return CUDA_SUCCESS;
}

// The management library, which the tests' driver is as well.
int nvmlInit_v2() { return 0; }

int nvmlSystemGetDriverVersion(char* version, unsigned length) {
  std::snprintf(version, length, "%d.65.06", state().version >= 13000 ? 580 : 470);
  return 0;
}

int nvmlDeviceGetHandleByUUID(const char* uuid, void** device) {
  *device = &state().devices[static_cast<std::size_t>(uuid[std::strlen(uuid) - 1] - '1')];
  return 0;
}

int nvmlDeviceGetMemoryInfo(void* device, unsigned long long* memory /* total, free, used */) {
  memory[0] = state().faults.memory_bytes;
  memory[2] = static_cast<Device*>(device)->used;
  memory[1] = memory[0] - memory[2];
  return 0;
}

}  // extern "C"
