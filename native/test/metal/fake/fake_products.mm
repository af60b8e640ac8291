// Metal Performance Shaders: products of fp16 matrices.
#import <MetalPerformanceShaders/MetalPerformanceShaders.h>

#include <cstring>

#include "gpu/half.h"
#include "test/metal/fake/fake_commands.h"
#include "test/metal/fake/fake_foundation.h"
#include "test/metal/fake/fake_metal.h"

using winnow::gpu::demand;
using winnow::gpu::fake_metal;

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
