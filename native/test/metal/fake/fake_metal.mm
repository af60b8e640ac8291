#include "test/metal/fake/fake_metal.h"

#import <MetalPerformanceShaders/MetalPerformanceShaders.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>

#include "gpu/half.h"
#include "gpu/host/host_kernels.h"
#include "gpu/kernels/list.h"
#include "test/metal/fake/fake_foundation.h"

using winnow::gpu::fake_metal;
using winnow::gpu::HostKernel;

namespace winnow::gpu {
FakeMetal& fake_metal() {
  static FakeMetal fake;
  return fake;
}
}  // namespace winnow::gpu

// As Metal does where it is misused.
static void demand(bool is_true, const char* what) {
  if (is_true) return;
  std::fprintf(stderr, "Metal would end the process: %s\n", what);
  std::abort();
}

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

// ---- commands ----------------------------------------------------------------------------------------

@interface FakeCommands : NSObject <MTLCommandBuffer> {
 @public
  std::vector<std::function<std::string()>>* work_;  // each says what is wrong
  std::vector<FakeCommands*>* queue_;                // committed and not done, in order
  bool is_encoded_, is_done_;
  NSError* error_;
}
@end

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

@interface FakePipeline : NSObject <MTLComputePipelineState> {
 @public
  const HostKernel* kernel_;
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

@interface FakeQueue : NSObject <MTLCommandQueue> {
 @public
  std::vector<FakeCommands*>* committed_;
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

// ---- kernels -----------------------------------------------------------------------------------------

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

// ---- Metal Performance Shaders -----------------------------------------------------------------------

BOOL MPSSupportsMTLDevice(id<MTLDevice> device) { return device != nil; }

@interface FakeDescriptor : MPSMatrixDescriptor {
 @public
  NSUInteger rows_, columns_, matrices_, row_bytes_, matrix_bytes_;
  MPSDataType type_;
}
@end
@implementation FakeDescriptor
@end
@implementation MPSMatrixDescriptor
+ (instancetype)matrixDescriptorWithRows:(NSUInteger)rows
                                 columns:(NSUInteger)columns
                                matrices:(NSUInteger)matrices
                                rowBytes:(NSUInteger)rowBytes
                             matrixBytes:(NSUInteger)matrixBytes
                                dataType:(MPSDataType)dataType {
  FakeDescriptor* made = [FakeDescriptor alloc];
  made->rows_ = rows;
  made->columns_ = columns;
  made->matrices_ = matrices;
  made->row_bytes_ = rowBytes;
  made->matrix_bytes_ = matrixBytes;
  made->type_ = dataType;
  const NSUInteger size = dataType == MPSDataTypeFloat32 ? 4 : 2;
  demand(rows > 0 && columns > 0 && matrices > 0 && rowBytes >= columns * size, "a row is too short");
  demand(matrices == 1 || matrixBytes >= rows * rowBytes, "matrices of a batch overlap");
  return (id)made;
}
@end

@interface FakeMatrix : MPSMatrix {
 @public
  FakeDescriptor* of_;
  char* bytes_;
}
@end
@implementation MPSMatrix
+ (instancetype)alloc {
  return class_createInstance([FakeMatrix class], 0);
}
- (instancetype)initWithBuffer:(id<MTLBuffer>)buffer
                        offset:(NSUInteger)offset
                    descriptor:(MPSMatrixDescriptor*)descriptor {
  FakeMatrix* matrix = static_cast<FakeMatrix*>(self);
  matrix->of_ = static_cast<FakeDescriptor*>(descriptor);
  matrix->bytes_ = static_cast<char*>(buffer.contents) + offset;
  const NSUInteger used = (matrix->of_->matrices_ - 1) * matrix->of_->matrix_bytes_ +
                          matrix->of_->rows_ * matrix->of_->row_bytes_;
  demand(offset + used <= buffer.length, "a matrix is larger than its buffer");
  return self;
}
@end
@implementation FakeMatrix
@end

@interface FakeMultiplication : MPSMatrixMultiplication {
 @public
  NSUInteger rows_, columns_, inputs_;
  double alpha_, beta_;
}
@end
@implementation MPSMatrixMultiplication
+ (instancetype)alloc {
  return class_createInstance([FakeMultiplication class], 0);
}
- (instancetype)initWithDevice:(id<MTLDevice>)device
                 transposeLeft:(BOOL)transposeLeft
                transposeRight:(BOOL)transposeRight
                    resultRows:(NSUInteger)resultRows
                 resultColumns:(NSUInteger)resultColumns
               interiorColumns:(NSUInteger)interiorColumns
                         alpha:(double)alpha
                          beta:(double)beta {
  demand(device != nil && !transposeLeft && transposeRight, "x w^T is multiplied");
  FakeMultiplication* made = static_cast<FakeMultiplication*>(self);
  made->rows_ = resultRows;
  made->columns_ = resultColumns;
  made->inputs_ = interiorColumns;
  made->alpha_ = alpha;
  made->beta_ = beta;
  return self;
}
- (void)encodeToCommandBuffer:(id<MTLCommandBuffer>)commandBuffer
                   leftMatrix:(MPSMatrix*)leftMatrix
                  rightMatrix:(MPSMatrix*)rightMatrix
                 resultMatrix:(MPSMatrix*)resultMatrix {
  FakeMultiplication* made = static_cast<FakeMultiplication*>(self);
  FakeCommands* commands = static_cast<FakeCommands*>(commandBuffer);
  FakeMatrix *x = static_cast<FakeMatrix*>(leftMatrix), *w = static_cast<FakeMatrix*>(rightMatrix),
             *out = static_cast<FakeMatrix*>(resultMatrix);
  demand(!commands->is_encoded_, "a product was encoded before the last encoder had ended");
  demand(x->of_->rows_ == made->rows_ && x->of_->columns_ == made->inputs_ &&
             w->of_->rows_ == made->columns_ && w->of_->columns_ == made->inputs_ &&
             out->of_->rows_ == made->rows_ && out->of_->columns_ == made->columns_,
         "the matrices have other sizes than the product");
  demand(x->of_->type_ == MPSDataTypeFloat16 && w->of_->type_ == MPSDataTypeFloat16, "fp16 is multiplied");
  ++fake_metal().products;
  const bool adds_in_fp16 = fake_metal().adds_in_fp16;
  commands->work_->push_back([=] {
    const auto at = [](FakeMatrix* matrix, NSUInteger b, NSUInteger row, NSUInteger column) {
      const NSUInteger size = matrix->of_->type_ == MPSDataTypeFloat32 ? 4 : 2;
      return matrix->bytes_ + b * matrix->of_->matrix_bytes_ + row * matrix->of_->row_bytes_ + column * size;
    };
    const auto half_at = [](const char* place) {
      std::uint16_t bits;
      std::memcpy(&bits, place, sizeof bits);
      return winnow::gpu::from_fp16(bits);
    };
    const bool is_fp32 = out->of_->type_ == MPSDataTypeFloat32;
    for (NSUInteger b = 0; b < out->of_->matrices_; ++b)
      for (NSUInteger row = 0; row < made->rows_; ++row)
        for (NSUInteger column = 0; column < made->columns_; ++column) {
          float sum = 0.0f;
          for (NSUInteger i = 0; i < made->inputs_; ++i) {
            sum += half_at(at(x, b, row, i)) * half_at(at(w, b, column, i));
            if (adds_in_fp16 && !is_fp32) sum = winnow::gpu::from_fp16(winnow::gpu::fp16_bits(sum));
          }
          char* place = at(out, b, row, column);
          float before = 0.0f;
          if (is_fp32)
            std::memcpy(&before, place, sizeof before);
          else
            before = half_at(place);
          float result = static_cast<float>(made->alpha_) * sum;
          if (made->beta_ != 0.0) result += static_cast<float>(made->beta_) * before;
          const std::uint16_t bits = winnow::gpu::fp16_bits(result);
          std::memcpy(place, is_fp32 ? static_cast<const void*>(&result) : &bits, is_fp32 ? 4 : 2);
        }
    return std::string();
  });
}
@end
@implementation FakeMultiplication
@end
