#include "test/metal/fake/fake_commands.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "test/metal/fake/fake_foundation.h"
#include "test/metal/fake/fake_metal.h"

using winnow::gpu::demand;
using winnow::gpu::fake_metal;
using winnow::gpu::HostKernel;

void winnow::gpu::demand(bool is_true, const char* what) {
  if (is_true) return;
  std::fprintf(stderr, "Metal would end the process: %s\n", what);
  std::abort();
}

@interface FakeComputeEncoder : NSObject <MTLComputeCommandEncoder> {
 @public
  FakeCommands* commands_;
  const HostKernel* kernel_;
  std::vector<char>* arguments_;
  std::uint32_t threads_;
  NSUInteger shared_;
}
@end

@interface FakeBlitEncoder : NSObject <MTLBlitCommandEncoder> {
 @public
  FakeCommands* commands_;
}
@end

@implementation FakeCommands
- (MTLCommandBufferStatus)status {
  return error_ == nil ? MTLCommandBufferStatusCompleted : MTLCommandBufferStatusError;
}
- (NSError*)error {
  return error_;
}
- (double)GPUStartTime {
  return 1.0;
}
- (double)GPUEndTime {
  return 1.5;
}
- (void)begin {
  demand(!is_encoded_, "one encoder was begun before the last one had ended");
  is_encoded_ = true;
}
- (id<MTLComputeCommandEncoder>)computeCommandEncoder {
  [self begin];
  FakeComputeEncoder* encoder = [FakeComputeEncoder alloc];
  encoder->commands_ = self;
  return encoder;
}
- (id<MTLBlitCommandEncoder>)blitCommandEncoder {
  [self begin];
  FakeBlitEncoder* encoder = [FakeBlitEncoder alloc];
  encoder->commands_ = self;
  return encoder;
}
- (void)commit {
  demand(!is_encoded_, "commands were committed before their encoder had ended");
  queue_->push_back(self);
}
- (void)run {
  auto& before = fake_metal().commands_before;
  for (const auto& work : *work_) {
    if (error_ != nil) break;
    if (before >= 0 && before-- == 0) {
      error_ = new_error(fake_metal().failure);
    } else if (const std::string wrong = work(); !wrong.empty()) {
      std::fprintf(stderr, "%s\n", wrong.c_str());
      error_ = new_error(1);
    }
  }
  is_done_ = true;
}
- (void)waitUntilCompleted {
  while (!is_done_) {
    demand(!queue_->empty(), "commands were waited for that had not been committed");
    [queue_->front() run];
    queue_->erase(queue_->begin());
  }
}
@end

@implementation FakePipeline
- (NSUInteger)maxTotalThreadsPerThreadgroup {
  return kernel_->largest_block;
}
- (NSUInteger)threadExecutionWidth {
  return 32;
}
- (NSUInteger)staticThreadgroupMemoryLength {
  return 0;
}
@end

@implementation FakeComputeEncoder
- (void)endEncoding {
  commands_->is_encoded_ = false;
}
- (void)setComputePipelineState:(id<MTLComputePipelineState>)state {
  kernel_ = static_cast<FakePipeline*>(state)->kernel_;
}
- (void)setBytes:(const void*)bytes length:(NSUInteger)length atIndex:(NSUInteger)index {
  demand(length <= 4096, "setBytes is for 4 KB at most");
  if (index == 0)
    arguments_ =
        new std::vector<char>(static_cast<const char*>(bytes), static_cast<const char*>(bytes) + length);
  else
    std::memcpy(&threads_, bytes, sizeof threads_);
}
- (void)setThreadgroupMemoryLength:(NSUInteger)length atIndex:(NSUInteger)index {
  demand(index == 0 && length > 0 && length % 16 == 0, "shared memory comes in units of 16 bytes");
  shared_ = length;
}
- (void)useResource:(id<MTLResource>)resource usage:(MTLResourceUsage)usage {
  demand(resource != nil && usage != 0, "no resource was named");
}
- (void)dispatchThreadgroups:(MTLSize)blocks threadsPerThreadgroup:(MTLSize)threads {
  demand(threads.width == threads_, "a kernel is told another number of threads than it has");
  ++fake_metal().dispatches;
  commands_->work_->push_back([kernel = kernel_, arguments = arguments_, shared = shared_, blocks, threads] {
    if (arguments->size() != kernel->argument_bytes) return kernel->name + " has other arguments";
    return kernel->launch(
        {static_cast<std::uint32_t>(blocks.width), static_cast<std::uint32_t>(blocks.height),
         static_cast<std::uint32_t>(blocks.depth)},
        static_cast<std::uint32_t>(threads.width), shared, arguments->data());
  });
}
@end

@implementation FakeBlitEncoder
- (void)endEncoding {
  commands_->is_encoded_ = false;
}
- (void)copyFromBuffer:(id<MTLBuffer>)source
          sourceOffset:(NSUInteger)sourceOffset
              toBuffer:(id<MTLBuffer>)destination
     destinationOffset:(NSUInteger)destinationOffset
                  size:(NSUInteger)size {
  demand(sourceOffset % 4 == 0 && destinationOffset % 4 == 0 && size % 4 == 0, "copies are of whole words");
  commands_->work_->push_back([=] {
    std::memcpy(static_cast<char*>(destination.contents) + destinationOffset,
                static_cast<char*>(source.contents) + sourceOffset, size);
    return std::string();
  });
}
- (void)fillBuffer:(id<MTLBuffer>)buffer range:(NSRange)range value:(uint8_t)value {
  demand(range.location % 4 == 0 && range.length % 4 == 0 && range.length > 0, "whole words are filled");
  commands_->work_->push_back([=] {
    std::memset(static_cast<char*>(buffer.contents) + range.location, value, range.length);
    return std::string();
  });
}
@end

@implementation FakeQueue
- (id<MTLCommandBuffer>)commandBuffer {
  FakeCommands* commands = [FakeCommands alloc];
  commands->work_ = new std::vector<std::function<std::string()>>();
  commands->queue_ = committed_;
  return commands;
}
@end
