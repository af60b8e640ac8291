// WinnowGpuLibrary over Metal. Every call has an autorelease pool of its own, as the threads that call have
// none.
#include <algorithm>
#include <cstdio>
#include <cstring>

#include "metal/metal_gpu.h"

namespace winnow::gpu {
namespace {

void put(char (&text)[WINNOW_GPU_TEXT], NSString* value) {
  std::snprintf(text, sizeof text, "%s", value.UTF8String);
}

// M1 and later: simdgroups of 32, matrices of simdgroups, addresses of buffers.
bool is_usable(id<MTLDevice> device) {
  return [device supportsFamily:MTLGPUFamilyApple7] && [device supportsFamily:MTLGPUFamilyMetal3];
}

NSString* reason_of(id<MTLDevice> device) {
  if (is_usable(device)) return @"";
  return [NSString stringWithFormat:@"%@ is not one of Apple's own GPUs from M1 on.", device.name];
}

WinnowGpuInfo info_of(id<MTLDevice> device) {
  WinnowGpuInfo info{};
  put(info.name, device.name);
  put(info.driver,
      [NSString stringWithFormat:@"Metal, macOS %@", NSProcessInfo.processInfo.operatingSystemVersionString]);
  put(info.products, @"Metal Performance Shaders where they add up in fp32, else the built-in kernel");
  put(info.reason, reason_of(device));
  info.memory_bytes = device.recommendedMaxWorkingSetSize;
  info.free_bytes =
      info.memory_bytes - std::min<std::uint64_t>(info.memory_bytes, device.currentAllocatedSize);
  std::snprintf(info.id, sizeof info.id, "metal-%s", device.name.UTF8String);  // a Mac has one of them
  info.half_is_fp16 = 1;
  info.shared_bytes = static_cast<uint32_t>(device.maxThreadgroupMemoryLength);
  return info;
}

int32_t list(WinnowGpuInfo* infos, int32_t capacity, char reason[WINNOW_GPU_TEXT]) {
  @autoreleasepool {
    NSArray<id<MTLDevice>>* devices = MTLCopyAllDevices();
    const auto count = static_cast<int32_t>(devices.count);
    if (count == 0) std::snprintf(reason, WINNOW_GPU_TEXT, "This Mac has no GPU that Metal knows.");
    for (int32_t i = 0; i < count && i < capacity; ++i) infos[i] = info_of([devices objectAtIndex:i]);
    return count;
  }
}

WinnowGpu* open(int32_t index, char reason[WINNOW_GPU_TEXT]) {
  @autoreleasepool {
    NSArray<id<MTLDevice>>* devices = MTLCopyAllDevices();
    if (index < 0 || index >= static_cast<int32_t>(devices.count)) {
      std::snprintf(reason, WINNOW_GPU_TEXT, "There is no GPU %d.", index);
      return nullptr;
    }
    id<MTLDevice> device = [devices objectAtIndex:index];
    if (!is_usable(device)) {
      std::snprintf(reason, WINNOW_GPU_TEXT, "%s", reason_of(device).UTF8String);
      return nullptr;
    }
    auto gpu = std::make_unique<WinnowGpu>(device);
    const std::string why = gpu->prepare();
    if (why.empty()) return gpu.release();
    std::snprintf(reason, WINNOW_GPU_TEXT, "%s", why.c_str());
    return nullptr;
  }
}

void close(WinnowGpu* gpu) {
  @autoreleasepool {
    gpu->wait();
    delete gpu;
  }
}

void* allocate(WinnowGpu* gpu, size_t bytes) {
  @autoreleasepool {
    return gpu->allocate(bytes);
  }
}

void release(WinnowGpu* gpu, void* memory) {
  @autoreleasepool {
    gpu->release(memory);
  }
}

WinnowGpuStatus write(WinnowGpu* gpu, void* target, const void* source, size_t bytes) {
  @autoreleasepool {
    return gpu->write(target, source, bytes);
  }
}

WinnowGpuStatus read(WinnowGpu* gpu, void* target, const void* source, size_t bytes) {
  @autoreleasepool {
    return gpu->read(target, source, bytes);
  }
}

WinnowGpuStatus clear(WinnowGpu* gpu, void* target, size_t bytes) {
  @autoreleasepool {
    return gpu->clear(target, bytes);
  }
}

WinnowGpuStatus launch(WinnowGpu* gpu, const WinnowGpuLaunch* launch) {
  @autoreleasepool {
    return gpu->launch(*launch);
  }
}

WinnowGpuStatus multiply(WinnowGpu* gpu, const WinnowGpuProduct* product) {
  @autoreleasepool {
    return gpu->multiply(*product);
  }
}

WinnowGpuStatus begin_recording(WinnowGpu* gpu) {
  gpu->begin_recording();
  return WINNOW_GPU_OK;
}

void* end_recording(WinnowGpu* gpu) { return gpu->end_recording(); }

WinnowGpuStatus replay(WinnowGpu* gpu, void* recording) {
  @autoreleasepool {
    return gpu->replay(*static_cast<Recording*>(recording));
  }
}

void drop_recording(WinnowGpu*, void* recording) {
  @autoreleasepool {
    delete static_cast<Recording*>(recording);
  }
}

double seconds(WinnowGpu* gpu) {
  @autoreleasepool {
    gpu->wait();
    return gpu->take_seconds();
  }
}

const char* failure(WinnowGpu* gpu) { return gpu->failure().c_str(); }

const WinnowGpuLibrary kLibrary = {
    list,   open,     close,           allocate,      release, write,          read,    clear,
    launch, multiply, begin_recording, end_recording, replay,  drop_recording, seconds, failure,
};

}  // namespace
}  // namespace winnow::gpu

extern "C" WINNOW_GPU_EXPORT const WinnowGpuLibrary* winnow_gpu_library(int32_t version) {
  return version == WINNOW_GPU_VERSION ? &winnow::gpu::kLibrary : nullptr;
}
