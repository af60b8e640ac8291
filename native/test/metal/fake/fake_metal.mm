#include "test/metal/fake/fake_metal.h"

#include <cstdlib>
#include <cstring>

#include "gpu/host/host_kernels.h"
#include "gpu/kernels/list.h"
#include "test/metal/fake/fake_commands.h"
#include "test/metal/fake/fake_foundation.h"

using winnow::gpu::demand;
using winnow::gpu::fake_metal;
using winnow::gpu::HostKernel;

namespace winnow::gpu {
FakeMetal& fake_metal() {
  static FakeMetal fake;
  return fake;
}
}  // namespace winnow::gpu

static std::size_t allocated = 0;

@interface FakeBuffer : NSObject <MTLBuffer> {
 @public
  char* bytes_;
  NSUInteger length_;
}
@end
@implementation FakeBuffer
- (NSUInteger)length {
  return length_;
}
- (uint64_t)gpuAddress {
  return reinterpret_cast<uint64_t>(bytes_);
}
- (void*)contents {
  return bytes_;
}
@end

static FakeBuffer* new_buffer(NSUInteger length) {
  FakeBuffer* buffer = [FakeBuffer alloc];
  buffer->bytes_ = static_cast<char*>(std::aligned_alloc(256, (length + 255) / 256 * 256));
  std::memset(buffer->bytes_, 0xff, length);  // NaN in every type
  buffer->length_ = length;
  allocated += length;
  return buffer;
}

@interface FakeFunction : NSObject <MTLFunction> {
 @public
  const HostKernel* kernel_;
}
@end
@implementation FakeFunction
@end

@interface FakeLibrary : NSObject <MTLLibrary>
@end
@implementation FakeLibrary
- (NSArray<NSString*>*)functionNames {
  return new_array({
#define WINNOW_KERNEL(name) @"winnow::gpu::" #name,
      WINNOW_KERNELS(WINNOW_KERNEL)
#undef WINNOW_KERNEL
  });
}
- (id<MTLFunction>)newFunctionWithName:(NSString*)name {
  const std::string full = name.UTF8String;
  FakeFunction* function = [FakeFunction alloc];
  function->kernel_ = HostKernel::find(full.substr(full.rfind(':') + 1), true);
  return function->kernel_ == nullptr ? nil : function;
}
@end

@implementation MTLCompileOptions
- (BOOL)fastMathEnabled {
  return NO;
}
- (void)setFastMathEnabled:(BOOL)isEnabled {
  demand(!isEnabled, "the kernels are not for fast mathematics");
}
- (MTLLanguageVersion)languageVersion {
  return MTLLanguageVersion3_0;
}
- (void)setLanguageVersion:(MTLLanguageVersion)version {
  demand(version == MTLLanguageVersion3_0, "the kernels are in MSL 3.0");
}
@end

@interface FakeDevice : NSObject <MTLDevice>
@end
@implementation FakeDevice
- (NSString*)name {
  return @"Apple M0";
}
- (uint64_t)recommendedMaxWorkingSetSize {
  return fake_metal().memory_bytes;
}
- (NSUInteger)currentAllocatedSize {
  return allocated;
}
- (NSUInteger)maxBufferLength {
  return fake_metal().memory_bytes;
}
- (NSUInteger)maxThreadgroupMemoryLength {
  return 32 << 10;
}
- (BOOL)supportsFamily:(MTLGPUFamily)family {
  return fake_metal().is_apples || family == MTLGPUFamilyMetal3;
}
- (id<MTLCommandQueue>)newCommandQueue {
  FakeQueue* queue = [FakeQueue alloc];
  queue->committed_ = new std::vector<FakeCommands*>();
  return queue;
}
- (id<MTLBuffer>)newBufferWithLength:(NSUInteger)length options:(MTLResourceOptions)options {
  demand(options == MTLResourceStorageModeShared, "memory is shared");
  return new_buffer(length);
}
- (id<MTLBuffer>)newBufferWithBytes:(const void*)pointer
                             length:(NSUInteger)length
                            options:(MTLResourceOptions)options {
  demand(options == MTLResourceStorageModeShared, "memory is shared");
  FakeBuffer* buffer = new_buffer(length);
  std::memcpy(buffer->bytes_, pointer, length);
  return buffer;
}
- (id<MTLLibrary>)newLibraryWithURL:(NSURL*)url error:(NSError**)error {
  *error = new_error(url == nil ? 1 : 2);
  return nil;
}
- (id<MTLLibrary>)newLibraryWithSource:(NSString*)source
                               options:(MTLCompileOptions*)options
                                 error:(NSError**)error {
  const std::string text = source.UTF8String;
  if (options != nil && text.find("#include <metal_stdlib>") != std::string::npos) return [FakeLibrary alloc];
  *error = new_error(3);
  return nil;
}
- (id<MTLComputePipelineState>)newComputePipelineStateWithFunction:(id<MTLFunction>)function
                                                             error:(NSError**)error {
  *error = nil;
  FakePipeline* pipeline = [FakePipeline alloc];
  pipeline->kernel_ = static_cast<FakeFunction*>(function)->kernel_;
  return pipeline;
}
@end

NSArray<id<MTLDevice>>* MTLCopyAllDevices(void) {
  static FakeDevice* const device = [FakeDevice alloc];
  return new_array({device});
}
