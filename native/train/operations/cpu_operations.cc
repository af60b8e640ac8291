#include "train/operations/cpu_operations.h"

#include <algorithm>
#include <dnnl.hpp>
#include <thread>

namespace winnow::train {
namespace {

// Row-major c [rows, columns] = a b + beta c; a or b transposed where said.
void multiply(bool a_transposed, bool b_transposed, int rows, int columns, int depth, const float* a,
              int a_stride, const float* b, int b_stride, float beta, float* c, int c_stride) {
  dnnl::sgemm(a_transposed ? 'T' : 'N', b_transposed ? 'T' : 'N', rows, columns, depth, 1.0f, a, a_stride, b,
              b_stride, beta, c, c_stride);
}

}  // namespace

void CpuOperations::linear(const LinearShape& s, const float* x, const float* weight, const float* bias,
                           bool add, float* out) {
  if (bias != nullptr)
    for (int r = 0; r < s.rows; ++r)
      std::copy_n(bias, s.outputs, out + static_cast<std::size_t>(r) * s.outputs);
  multiply(false, true, s.rows, s.outputs, s.inputs, x, s.x_stride, weight, s.inputs,
           add || bias != nullptr ? 1.0f : 0.0f, out, s.outputs);
}
void CpuOperations::linear_input_gradient(const LinearShape& s, const float* d_out, const float* weight,
                                          bool add, float* d_x) {
  multiply(false, false, s.rows, s.inputs, s.outputs, d_out, s.outputs, weight, s.inputs, add ? 1.0f : 0.0f,
           d_x, s.x_stride);
}
void CpuOperations::linear_weight_gradient(const LinearShape& s, const float* d_out, const float* x,
                                           float* d_weight, float* d_bias) {
  multiply(true, false, s.outputs, s.inputs, s.rows, d_out, s.outputs, x, s.x_stride, 1.0f, d_weight,
           s.inputs);
  if (d_bias != nullptr) add_columns(s.rows, s.outputs, d_out, d_bias);
}

std::unique_ptr<Operations> cpu_operations(int threads) {
  if (threads < 1) threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  return std::make_unique<CpuOperations>(threads);
}

}  // namespace winnow::train
