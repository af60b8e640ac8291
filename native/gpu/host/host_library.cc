#include "gpu/host/host_library.h"

#include <chrono>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "gpu/built_in_product.h"
#include "gpu/half.h"
#include "gpu/host/host_kernels.h"
#include "gpu/kernels/arguments.h"
#include "gpu/kernels/list.h"

struct WinnowGpu {
  explicit WinnowGpu(int of) : index(of) {}

  int index;
  std::map<void*, std::size_t> memory;
  std::string failure;
  // Of the recording under way, if there is one.
  std::unique_ptr<std::vector<std::function<WinnowGpuStatus()>>> recording;
  std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now();
};

namespace winnow::gpu {
namespace {

using Recording = std::vector<std::function<WinnowGpuStatus()>>;

constexpr int kDevices = 3;

HostFaults faults;
HostCounts counts;
std::size_t used = 0;  // bytes

bool is_fp16(const WinnowGpu* gpu) { return gpu->index == kHostFp16; }

WinnowGpuInfo info_of(int index) {
  WinnowGpuInfo info{};
  std::snprintf(info.name, sizeof info.name, "this processor as GPU %d", index);
  std::snprintf(info.driver, sizeof info.driver, "fibres");
  std::snprintf(info.products, sizeof info.products, index == kHostSmall ? "built-in kernel" : "plain loops");
  std::snprintf(info.id, sizeof info.id, "host-%d", index);
  info.memory_bytes = faults.memory_bytes;
  info.free_bytes = faults.memory_bytes - used;
  info.half_is_fp16 = index == kHostFp16 ? 1 : 0;
  info.shared_bytes = index == kHostSmall ? 32 << 10 : 160 << 10;
  return info;
}

WinnowGpuStatus fail(WinnowGpu* gpu, const std::string& why) {
  if (gpu->failure.empty()) gpu->failure = why;
  return WINNOW_GPU_LOST;
}

// Does the work now, or keeps it for the recording.
WinnowGpuStatus take(WinnowGpu* gpu, std::function<WinnowGpuStatus()> work) {
  if (!gpu->failure.empty()) return WINNOW_GPU_LOST;
  if (gpu->recording) {
    gpu->recording->push_back(std::move(work));
    return WINNOW_GPU_OK;
  }
  return work();
}

WinnowGpuStatus run_kernel(WinnowGpu* gpu, const std::string& name, const WinnowGpuLaunch& launch) {
  if (faults.launches_before_loss >= 0 && counts.launches >= faults.launches_before_loss)
    return fail(gpu, "it was taken away for a test");
  ++counts.launches;
  const HostKernel* kernel = HostKernel::find(name, is_fp16(gpu));
  if (kernel == nullptr) return fail(gpu, "there is no kernel " + name);
  if (kernel->argument_bytes != launch.argument_bytes) return fail(gpu, name + " has other arguments");
  if (launch.shared_bytes > info_of(gpu->index).shared_bytes)
    return fail(gpu, name + " wants more shared memory than there is");
  const std::string wrong = kernel->launch({launch.blocks[0], launch.blocks[1], launch.blocks[2]},
                                           launch.threads, launch.shared_bytes, launch.arguments);
  return wrong.empty() ? WINNOW_GPU_OK : fail(gpu, wrong);
}

float value_of(const WinnowGpu* gpu, std::uint16_t bits) {
  return is_fp16(gpu) ? from_fp16(bits) : from_bf16(bits);
}

std::vector<float> floats(const WinnowGpu* gpu, const void* halves, std::int64_t from, std::int64_t count) {
  const auto* bits = static_cast<const std::uint16_t*>(halves) + from;
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) values[i] = value_of(gpu, bits[i]);
  return values;
}

WinnowGpuStatus multiply_plainly(const WinnowGpu* gpu, const WinnowGpuProduct& p) {
  const std::int64_t inputs = p.inputs;
  for (int b = 0; b < p.count; ++b) {
    const std::vector<float> x = floats(gpu, p.x, b * p.x_step, p.rows * inputs);
    const std::vector<float> w = floats(gpu, p.w, b * p.w_step, p.outputs * inputs);
    for (std::int64_t row = 0; row < p.rows; ++row)
      for (std::int64_t output = 0; output < p.outputs; ++output) {
        const float* left = x.data() + row * inputs;
        const float* right = w.data() + output * inputs;
        const float sum = std::inner_product(left, left + inputs, right, 0.0f);
        const std::int64_t offset = b * p.out_step + row * p.outputs + output;
        if (p.out_is_fp32 != 0) {
          float& out = static_cast<float*>(p.out)[offset];
          out = p.scale * sum + (p.keep == 0.0f ? 0.0f : p.keep * out);
        } else {
          auto& out = static_cast<std::uint16_t*>(p.out)[offset];
          const float result = p.scale * sum + (p.keep == 0.0f ? 0.0f : p.keep * value_of(gpu, out));
          out = is_fp16(gpu) ? fp16_bits(result) : bf16_bits(result);
        }
      }
  }
  return WINNOW_GPU_OK;
}

std::int32_t list(WinnowGpuInfo* infos, std::int32_t capacity, char*) {
  for (std::int32_t i = 0; i < capacity && i < kDevices; ++i) infos[i] = info_of(i);
  return kDevices;
}

WinnowGpu* open(std::int32_t index, char*) { return new WinnowGpu(index); }

void close(WinnowGpu* gpu) {
  for (const auto& [memory, bytes] : gpu->memory) {
    ::operator delete(memory, std::align_val_t{256});
    used -= bytes;
  }
  delete gpu;
}

void* allocate(WinnowGpu* gpu, std::size_t bytes) {
  if (!gpu->failure.empty() || used + bytes > faults.memory_bytes) return nullptr;
  void* memory = ::operator new(bytes, std::align_val_t{256}, std::nothrow);
  if (memory == nullptr) return nullptr;
  std::memset(memory, 0xff, bytes);  // NaN in every type
  used += bytes;
  gpu->memory[memory] = bytes;
  return memory;
}

void release(WinnowGpu* gpu, void* memory) {
  const auto entry = gpu->memory.find(memory);
  if (entry == gpu->memory.end()) return;
  used -= entry->second;
  ::operator delete(memory, std::align_val_t{256});
  gpu->memory.erase(entry);
}

WinnowGpuStatus copy(WinnowGpu* gpu, void* target, const void* source, std::size_t bytes) {
  if (!gpu->failure.empty()) return WINNOW_GPU_LOST;
  if (bytes > 0) std::memcpy(target, source, bytes);
  return WINNOW_GPU_OK;
}

WinnowGpuStatus clear(WinnowGpu* gpu, void* target, std::size_t bytes) {
  return take(gpu, [=] {
    std::memset(target, 0, bytes);
    return WINNOW_GPU_OK;
  });
}

WinnowGpuStatus launch(WinnowGpu* gpu, const WinnowGpuLaunch* launch) {
  const auto* bytes = static_cast<const std::byte*>(launch->arguments);
  std::vector<std::byte> arguments(bytes, bytes + launch->argument_bytes);
  return take(gpu, [gpu, kept = *launch, arguments = std::move(arguments)] {
    WinnowGpuLaunch own = kept;
    own.arguments = arguments.data();
    return run_kernel(gpu, kKernelNames[own.kernel], own);
  });
}

WinnowGpuStatus multiply(WinnowGpu* gpu, const WinnowGpuProduct* product) {
  return take(gpu, [gpu, p = *product] {
    ++counts.products;
    return gpu->index == kHostSmall ? run_kernel(gpu, "multiply", BuiltInProduct(p).launch)
                                    : multiply_plainly(gpu, p);
  });
}

WinnowGpuStatus begin_recording(WinnowGpu* gpu) {
  gpu->recording = std::make_unique<Recording>();
  return WINNOW_GPU_OK;
}

void* end_recording(WinnowGpu* gpu) { return gpu->recording.release(); }

WinnowGpuStatus replay(WinnowGpu* gpu, void* recording) {
  ++counts.replays;
  for (const auto& work : *static_cast<Recording*>(recording)) {
    if (!gpu->failure.empty()) return WINNOW_GPU_LOST;
    if (const WinnowGpuStatus status = work(); status != WINNOW_GPU_OK) return status;
  }
  return WINNOW_GPU_OK;
}

void drop_recording(WinnowGpu*, void* recording) { delete static_cast<Recording*>(recording); }

double seconds(WinnowGpu* gpu) {
  const auto now = std::chrono::steady_clock::now();
  return std::chrono::duration<double>(now - std::exchange(gpu->last, now)).count();
}

const char* failure(WinnowGpu* gpu) { return gpu->failure.c_str(); }

}  // namespace

const WinnowGpuLibrary* host_gpu_library() {
  static const WinnowGpuLibrary library{
      list,   open,     close,           allocate,      release, copy,           copy,    clear,
      launch, multiply, begin_recording, end_recording, replay,  drop_recording, seconds, failure};
  return &library;
}

void set_host_faults(const HostFaults& wanted) {
  faults = wanted;
  counts = {};
}

HostCounts host_counts() { return counts; }

}  // namespace winnow::gpu
