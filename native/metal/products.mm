// Matrix products: by Metal Performance Shaders (MPS) where they add up in fp32, else by the built-in kernel.
// MPS end the process on bf16, which is why the 16-bit numbers here are fp16.
#include <cmath>
#include <cstring>

#include "gpu/built_in_product.h"
#include "gpu/half.h"
#include "metal/metal_gpu.h"

namespace {

MPSMatrix* matrix_at(winnow::gpu::Place place, int rows, int columns, int count, std::int64_t step,
                     bool is_fp32) {
  const NSUInteger size = is_fp32 ? 4 : 2, row = static_cast<NSUInteger>(columns) * size;
  const NSUInteger bytes = count > 1 ? static_cast<NSUInteger>(step) * size : row * rows;
  MPSMatrixDescriptor* descriptor =
      [MPSMatrixDescriptor matrixDescriptorWithRows:rows
                                            columns:columns
                                           matrices:count
                                           rowBytes:row
                                        matrixBytes:bytes
                                           dataType:is_fp32 ? MPSDataTypeFloat32 : MPSDataTypeFloat16];
  return [[MPSMatrix alloc] initWithBuffer:place.buffer offset:place.offset descriptor:descriptor];
}

}  // namespace

WinnowGpuStatus WinnowGpu::multiply(const WinnowGpuProduct& product) {
  if (!failure_.empty()) return WINNOW_GPU_LOST;
  return can_multiply_by_mps(product) ? multiply_by_mps(product) : multiply_built_in(product);
}

// A batch of theirs has its matrices one behind the other.
bool WinnowGpu::can_multiply_by_mps(const WinnowGpuProduct& p) const {
  if (!(p.out_is_fp32 != 0 ? mps_floats_ : mps_halves_)) return false;
  const auto fits = [&](std::int64_t step, int rows, int columns) {
    return p.count == 1 || step >= static_cast<std::int64_t>(rows) * columns;
  };
  return fits(p.x_step, p.rows, p.inputs) && fits(p.w_step, p.outputs, p.inputs) &&
         fits(p.out_step, p.rows, p.outputs);
}

WinnowGpuStatus WinnowGpu::multiply_by_mps(const WinnowGpuProduct& p) {
  const winnow::gpu::Place x_place = place_of(p.x), w_place = place_of(p.w), out_place = place_of(p.out);
  if (x_place.buffer == nil || w_place.buffer == nil || out_place.buffer == nil)
    return fail("matrices were multiplied that the GPU does not have");
  MPSMatrix* x = matrix_at(x_place, p.rows, p.inputs, p.count, p.x_step, false);
  MPSMatrix* w = matrix_at(w_place, p.outputs, p.inputs, p.count, p.w_step, false);
  MPSMatrix* out = matrix_at(out_place, p.rows, p.outputs, p.count, p.out_step, p.out_is_fp32 != 0);
  MPSMatrixMultiplication* __strong& kernel = products_[{p.rows, p.outputs, p.inputs, p.scale, p.keep}];
  if (kernel == nil)
    kernel = [[MPSMatrixMultiplication alloc] initWithDevice:device_
                                               transposeLeft:NO
                                              transposeRight:YES
                                                  resultRows:p.rows
                                               resultColumns:p.outputs
                                             interiorColumns:p.inputs
                                                       alpha:p.scale
                                                        beta:p.keep];
  MPSMatrixMultiplication* multiplication = kernel;
  return take([this, multiplication, x, w, out] {
    [multiplication encodeToCommandBuffer:commands() leftMatrix:x rightMatrix:w resultMatrix:out];
  });
}

WinnowGpuStatus WinnowGpu::multiply_built_in(const WinnowGpuProduct& p) {
  return launch(winnow::gpu::BuiltInProduct(p).launch);
}

// Apple does not say in which precision MPS add up, so they are tried: sums of 1024 random products between 0
// and 1 are about 256, where fp16 has steps of a quarter. Rounded once they are off by an eighth at most;
// added up in fp16 by more.
bool WinnowGpu::mps_adds_in_fp32(bool out_is_fp32) {
  constexpr int kSide = 32, kInputs = 1024;
  std::vector<std::uint16_t> x(kSide * kInputs), w(kSide * kInputs);
  std::uint32_t random = 1;
  const auto draw = [&random] {
    random = random * 1664525u + 1013904223u;
    return winnow::gpu::fp16_bits(static_cast<float>(random >> 8) / static_cast<float>(1 << 24));
  };
  for (std::uint16_t& value : x) value = draw();
  for (std::uint16_t& value : w) value = draw();

  const std::size_t bytes = x.size() * sizeof x[0], out_bytes = kSide * kSide * (out_is_fp32 ? 4 : 2);
  void *on_gpu_x = allocate(bytes), *on_gpu_w = allocate(bytes), *on_gpu_out = allocate(out_bytes);
  std::vector<char> out(out_bytes);
  bool is_done = on_gpu_x != nullptr && on_gpu_w != nullptr && on_gpu_out != nullptr;
  if (is_done) {
    WinnowGpuProduct product{};
    product.x = on_gpu_x;
    product.w = on_gpu_w;
    product.out = on_gpu_out;
    product.rows = product.outputs = kSide;
    product.inputs = kInputs;
    product.count = 1;
    product.scale = 1.0f;
    product.out_is_fp32 = out_is_fp32 ? 1 : 0;
    is_done = write(on_gpu_x, x.data(), bytes) == WINNOW_GPU_OK &&
              write(on_gpu_w, w.data(), bytes) == WINNOW_GPU_OK &&
              multiply_by_mps(product) == WINNOW_GPU_OK &&
              read(out.data(), on_gpu_out, out_bytes) == WINNOW_GPU_OK;
  }
  for (void* memory : {on_gpu_x, on_gpu_w, on_gpu_out}) release(memory);
  if (!is_done) return false;

  const auto result = [&](int place) {
    float value = 0.0f;
    std::uint16_t bits = 0;
    std::memcpy(out_is_fp32 ? static_cast<void*>(&value) : &bits, &out[place * (out_is_fp32 ? 4 : 2)],
                out_is_fp32 ? sizeof value : sizeof bits);
    return out_is_fp32 ? value : winnow::gpu::from_fp16(bits);
  };
  for (int row = 0; row < kSide; ++row)
    for (int column = 0; column < kSide; ++column) {
      double sum = 0.0;
      for (int i = 0; i < kInputs; ++i)
        sum += static_cast<double>(winnow::gpu::from_fp16(x[row * kInputs + i])) *
               winnow::gpu::from_fp16(w[column * kInputs + i]);
      if (!(std::fabs(result(row * kSide + column) - sum) < (out_is_fp32 ? 0.01 : 0.15))) return false;
    }
  return true;
}
