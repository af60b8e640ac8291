#include "metal/metal_gpu.h"

#include <algorithm>
#include <cstring>

using winnow::gpu::Place;

namespace {

constexpr int kEncodedAtOnce = 64;  // commands after which the GPU may begin

std::string text_of(NSError* error) {
  return error == nil ? "Metal gave no reason" : error.localizedDescription.UTF8String;
}

}  // namespace

WinnowGpu::WinnowGpu(id<MTLDevice> device) : device_(device) {}

std::string WinnowGpu::prepare() {
  std::string reason;
  queue_ = [device_ newCommandQueue];
  if (queue_ == nil) return "Metal gives no command queue";
  kernels_ = winnow::gpu::load_kernels(device_, reason);
  if (kernels_ == nil) return reason;
  for (NSString* name in kernels_.functionNames) {
    const std::string full = name.UTF8String;
    names_[full.substr(full.rfind(':') + 1)] = name;  // with or without its namespaces
  }
  mps_floats_ = MPSSupportsMTLDevice(device_) && mps_adds_in_fp32(true);
  mps_halves_ = mps_floats_ && mps_adds_in_fp32(false);
  return failure_;
}

WinnowGpuStatus WinnowGpu::fail(const std::string& why) {
  if (failure_.empty()) failure_ = why;
  return WINNOW_GPU_LOST;
}

// ---- memory ------------------------------------------------------------------------------------------

void* WinnowGpu::allocate(std::size_t bytes) {
  if (!failure_.empty()) return nullptr;
  const std::size_t rounded = (std::max<std::size_t>(bytes, 1) + 255) / 256 * 256;
  if (rounded > device_.maxBufferLength ||
      device_.currentAllocatedSize + rounded > device_.recommendedMaxWorkingSetSize)
    return nullptr;
  id<MTLBuffer> buffer = [device_ newBufferWithLength:rounded options:MTLResourceStorageModeShared];
  if (buffer == nil) return nullptr;
  memory_[buffer.gpuAddress] = buffer;
  return reinterpret_cast<void*>(buffer.gpuAddress);
}

void WinnowGpu::release(void* memory) {
  wait();  // for what still uses it
  memory_.erase(reinterpret_cast<std::uint64_t>(memory));
}

Place WinnowGpu::place_of(const void* address) const {
  const auto place = reinterpret_cast<std::uint64_t>(address);
  auto next = memory_.upper_bound(place);
  if (next == memory_.begin()) return {nil, 0};
  const auto& [begin, buffer] = *std::prev(next);
  if (place - begin >= buffer.length) return {nil, 0};
  return {buffer, place - begin};
}

WinnowGpuStatus WinnowGpu::write(void* target, const void* source, std::size_t bytes) {
  if (!failure_.empty()) return WINNOW_GPU_LOST;
  if (bytes == 0) return WINNOW_GPU_OK;
  const Place place = place_of(target);
  if (place.buffer == nil || place.offset + bytes > place.buffer.length)
    return fail("memory was written that the GPU does not have");
  const bool is_idle = commands_ == nil && committed_.empty();
  if (!is_idle && bytes % 4 == 0 && place.offset % 4 == 0) {  // in order, without waiting
    id<MTLBuffer> copy = [device_ newBufferWithBytes:source
                                              length:bytes
                                             options:MTLResourceStorageModeShared];
    if (copy != nil) {
      [blit() copyFromBuffer:copy
                sourceOffset:0
                    toBuffer:place.buffer
           destinationOffset:place.offset
                        size:bytes];
      return WINNOW_GPU_OK;
    }
  }
  wait();
  if (!failure_.empty()) return WINNOW_GPU_LOST;
  std::memcpy(static_cast<char*>(place.buffer.contents) + place.offset, source, bytes);
  return WINNOW_GPU_OK;
}

WinnowGpuStatus WinnowGpu::read(void* target, const void* source, std::size_t bytes) {
  wait();
  if (const WinnowGpuStatus status = take_status(); status != WINNOW_GPU_OK) return status;
  if (bytes == 0) return WINNOW_GPU_OK;
  const Place place = place_of(source);
  if (place.buffer == nil || place.offset + bytes > place.buffer.length)
    return fail("memory was read that the GPU does not have");
  std::memcpy(target, static_cast<const char*>(place.buffer.contents) + place.offset, bytes);
  return WINNOW_GPU_OK;
}

WinnowGpuStatus WinnowGpu::clear(void* target, std::size_t bytes) {
  if (bytes == 0) return WINNOW_GPU_OK;
  const Place place = place_of(target);
  const NSUInteger whole = (bytes + 3) / 4 * 4;  // Metal fills words; what is allocated ends with one
  if (place.buffer == nil || place.offset % 4 != 0 || place.offset + whole > place.buffer.length)
    return fail("memory was cleared that the GPU does not have");
  return take([this, place, whole] {
    [blit() fillBuffer:place.buffer range:NSMakeRange(place.offset, whole) value:0];
  });
}

// ---- commands ----------------------------------------------------------------------------------------

WinnowGpuStatus WinnowGpu::take(std::function<void()> encode) {
  if (!failure_.empty()) return WINNOW_GPU_LOST;
  if (recording_) {
    recording_->push_back(std::move(encode));
    return WINNOW_GPU_OK;
  }
  encode();
  if (++encoded_ >= kEncodedAtOnce) commit();
  return failure_.empty() ? WINNOW_GPU_OK : WINNOW_GPU_LOST;
}

WinnowGpuStatus WinnowGpu::replay(const winnow::gpu::Recording& recording) {
  for (const auto& encode : recording)
    if (const WinnowGpuStatus status = take(encode); status != WINNOW_GPU_OK) return status;
  return WINNOW_GPU_OK;
}

id<MTLCommandBuffer> WinnowGpu::commands() {
  end_encoder();
  if (commands_ == nil) commands_ = [queue_ commandBuffer];
  return commands_;
}

id<MTLComputeCommandEncoder> WinnowGpu::compute() {
  if (compute_ == nil) compute_ = [commands() computeCommandEncoder];  // its dispatches run one after another
  return compute_;
}

id<MTLBlitCommandEncoder> WinnowGpu::blit() {
  if (blit_ == nil) blit_ = [commands() blitCommandEncoder];
  return blit_;
}

void WinnowGpu::end_encoder() {
  [compute_ endEncoding];
  [blit_ endEncoding];
  compute_ = nil;
  blit_ = nil;
}

void WinnowGpu::commit() {
  if (commands_ == nil) return;
  end_encoder();
  [commands_ commit];
  committed_.push_back(commands_);
  commands_ = nil;
  encoded_ = 0;
}

void WinnowGpu::wait() {
  commit();
  for (id<MTLCommandBuffer> done : committed_) {
    [done waitUntilCompleted];
    seconds_ += done.GPUEndTime - done.GPUStartTime;
    if (done.status != MTLCommandBufferStatusError) continue;
    if (done.error.code == MTLCommandBufferErrorOutOfMemory)
      is_out_of_memory_ = true;
    else
      fail(text_of(done.error));
  }
  committed_.clear();
}

WinnowGpuStatus WinnowGpu::take_status() {
  if (!failure_.empty()) return WINNOW_GPU_LOST;
  return std::exchange(is_out_of_memory_, false) ? WINNOW_GPU_OUT_OF_MEMORY : WINNOW_GPU_OK;
}

// ---- kernels -----------------------------------------------------------------------------------------

id<MTLComputePipelineState> WinnowGpu::pipeline(int kernel) {
  id<MTLComputePipelineState> __strong& state = pipelines_[kernel];
  if (state != nil) return state;
  NSString* name = names_[winnow::gpu::kKernelNames[kernel]];
  id<MTLFunction> function = name == nil ? nil : [kernels_ newFunctionWithName:name];
  NSError* error = nil;
  if (function != nil) state = [device_ newComputePipelineStateWithFunction:function error:&error];
  if (state == nil)
    fail("the kernel " + std::string(winnow::gpu::kKernelNames[kernel]) +
         " cannot be used: " + text_of(error));
  return state;
}

WinnowGpuStatus WinnowGpu::launch(const WinnowGpuLaunch& launch) {
  if (!failure_.empty()) return WINNOW_GPU_LOST;
  id<MTLComputePipelineState> state = pipeline(launch.kernel);
  if (state == nil) return WINNOW_GPU_LOST;
  const NSUInteger shared = std::max<NSUInteger>((launch.shared_bytes + 15) / 16 * 16, 16);
  if (launch.threads > state.maxTotalThreadsPerThreadgroup || state.threadExecutionWidth != 32 ||
      shared + state.staticThreadgroupMemoryLength > device_.maxThreadgroupMemoryLength)
    return fail("a kernel was launched with more threads or shared memory than this GPU has");

  // Every word of the arguments that is an address of ours: pointers among them always are. A number that
  // looks like one names a buffer too many, which is harmless.
  std::vector<id<MTLBuffer>> used;
  for (std::size_t i = 0; i + sizeof(void*) <= launch.argument_bytes; i += sizeof(void*)) {
    const void* word;
    std::memcpy(&word, static_cast<const char*>(launch.arguments) + i, sizeof word);
    if (id<MTLBuffer> buffer = place_of(word).buffer; buffer != nil) used.push_back(buffer);
  }
  NSData* arguments = [NSData dataWithBytes:launch.arguments length:launch.argument_bytes];
  const MTLSize blocks = MTLSizeMake(launch.blocks[0], launch.blocks[1], launch.blocks[2]);
  const std::uint32_t threads = launch.threads;
  return take([this, state, shared, used, arguments, blocks, threads] {
    id<MTLComputeCommandEncoder> encoder = compute();
    [encoder setComputePipelineState:state];
    [encoder setBytes:arguments.bytes length:arguments.length atIndex:0];
    [encoder setBytes:&threads length:sizeof threads atIndex:1];
    [encoder setThreadgroupMemoryLength:shared atIndex:0];
    for (id<MTLBuffer> buffer : used)
      [encoder useResource:buffer usage:MTLResourceUsageRead | MTLResourceUsageWrite];
    [encoder dispatchThreadgroups:blocks threadsPerThreadgroup:MTLSizeMake(threads, 1, 1)];
  });
}
