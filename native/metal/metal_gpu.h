// An opened GPU of Apple's. Memory is shared with the processor, so nothing is copied to be read; what
// kernels get as addresses are the GPU's own (gpuAddress). Work is encoded into command buffers of one queue
// as it comes, and a recording is what was to be encoded, so that it can be encoded again. Metal keeps work
// in order by the buffers that it names: each launch names those that its arguments point into.
#pragma once

#import <Metal/Metal.h>
#import <MetalPerformanceShaders/MetalPerformanceShaders.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "gpu/gpu_library.h"
#include "gpu/kernels/list.h"

namespace winnow::gpu {

using Recording = std::vector<std::function<void()>>;

// Where an address of the GPU lies; buffer is nil for one that it does not have.
struct Place {
  id<MTLBuffer> buffer;
  NSUInteger offset;
};

// The compiled kernels, or nil and a sentence.
id<MTLLibrary> load_kernels(id<MTLDevice> device, std::string& reason);

}  // namespace winnow::gpu

struct WinnowGpu {
 public:
  explicit WinnowGpu(id<MTLDevice> device);
  // Empty, or why it cannot be used.
  std::string prepare();

  void* allocate(std::size_t bytes);
  void release(void* memory);
  WinnowGpuStatus write(void* target, const void* source, std::size_t bytes);
  WinnowGpuStatus read(void* target, const void* source, std::size_t bytes);
  WinnowGpuStatus clear(void* target, std::size_t bytes);
  WinnowGpuStatus launch(const WinnowGpuLaunch& launch);
  WinnowGpuStatus multiply(const WinnowGpuProduct& product);

  void begin_recording() { recording_ = std::make_unique<winnow::gpu::Recording>(); }
  winnow::gpu::Recording* end_recording() { return recording_.release(); }
  WinnowGpuStatus replay(const winnow::gpu::Recording& recording);

  // Until all work is done. What failed is said by the next read.
  void wait();
  double take_seconds() { return std::exchange(seconds_, 0.0); }
  const std::string& failure() const { return failure_; }

 private:
  using Shape = std::tuple<int, int, int, float, float>;  // rows, outputs, inputs, scale, keep

  WinnowGpuStatus fail(const std::string& why);
  // Of all work so far: out of memory once, lost from then on.
  WinnowGpuStatus take_status();
  // Encodes now, or when the recording is replayed.
  WinnowGpuStatus take(std::function<void()> encode);
  winnow::gpu::Place place_of(const void* address) const;
  id<MTLComputePipelineState> pipeline(int kernel);

  // The command buffer that is being filled, and its encoder of one kind; ends one of the other.
  id<MTLCommandBuffer> commands();
  id<MTLComputeCommandEncoder> compute();
  id<MTLBlitCommandEncoder> blit();
  void end_encoder();
  void commit();

  bool can_multiply_by_mps(const WinnowGpuProduct& product) const;
  WinnowGpuStatus multiply_by_mps(const WinnowGpuProduct& product);
  WinnowGpuStatus multiply_built_in(const WinnowGpuProduct& product);
  bool mps_adds_in_fp32(bool out_is_fp32);

  id<MTLDevice> device_ = nil;
  id<MTLCommandQueue> queue_ = nil;
  id<MTLLibrary> kernels_ = nil;
  std::map<std::string, NSString*> names_;  // a kernel's name -> its name in the library
  id<MTLComputePipelineState> pipelines_[static_cast<int>(winnow::gpu::Kernel::count)] = {};
  std::map<std::uint64_t, id<MTLBuffer>> memory_;  // by address
  std::map<Shape, MPSMatrixMultiplication*> products_;
  bool mps_halves_ = false, mps_floats_ = false;  // whether MPS multiply to results of this type

  id<MTLCommandBuffer> commands_ = nil;
  id<MTLComputeCommandEncoder> compute_ = nil;
  id<MTLBlitCommandEncoder> blit_ = nil;
  int encoded_ = 0;  // in commands_
  std::vector<id<MTLCommandBuffer>> committed_;
  std::unique_ptr<winnow::gpu::Recording> recording_;
  double seconds_ = 0.0;
  bool is_out_of_memory_ = false;
  std::string failure_;
};
