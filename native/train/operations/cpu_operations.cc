#include <algorithm>
#include <dnnl.hpp>
#include <thread>

#include "cpu/thread_pool.h"
#include "train/operations/kernels.h"

namespace winnow::train {
namespace {

// Row-major c [rows, columns] = a b + beta c; a or b transposed where said.
void multiply(bool a_transposed, bool b_transposed, int rows, int columns, int depth, const float* a,
              int a_stride, const float* b, int b_stride, float beta, float* c, int c_stride) {
  dnnl::sgemm(a_transposed ? 'T' : 'N', b_transposed ? 'T' : 'N', rows, columns, depth, 1.0f, a, a_stride, b,
              b_stride, beta, c, c_stride);
}

class CpuOperations : public Operations {
 public:
  explicit CpuOperations(int threads) : pool_(threads) {}

  int threads() const override { return pool_.threads(); }
  void run(int count, const std::function<void(int, int)>& task) override { pool_.run(count, task); }

  void linear(const LinearShape& s, const float* x, const float* weight, const float* bias, bool add,
              float* out) override {
    if (bias != nullptr)
      for (int r = 0; r < s.rows; ++r)
        std::copy_n(bias, s.outputs, out + static_cast<std::size_t>(r) * s.outputs);
    multiply(false, true, s.rows, s.outputs, s.inputs, x, s.x_stride, weight, s.inputs,
             add || bias != nullptr ? 1.0f : 0.0f, out, s.outputs);
  }
  void linear_input_gradient(const LinearShape& s, const float* d_out, const float* weight, bool add,
                             float* d_x) override {
    multiply(false, false, s.rows, s.inputs, s.outputs, d_out, s.outputs, weight, s.inputs, add ? 1.0f : 0.0f,
             d_x, s.x_stride);
  }
  void linear_weight_gradient(const LinearShape& s, const float* d_out, const float* x, float* d_weight,
                              float* d_bias) override {
    multiply(true, false, s.outputs, s.inputs, s.rows, d_out, s.outputs, x, s.x_stride, 1.0f, d_weight,
             s.inputs);
    if (d_bias != nullptr) kernels::add_columns(s.rows, s.outputs, d_out, d_bias);
  }
  void rms_norm(int rows, int dim, const float* x, const float* weight, float* out) override {
    kernels::rms_norm(rows, dim, x, weight, out);
  }
  void rms_norm_gradient(int rows, int dim, const float* x, const float* weight, const float* d_out,
                         float* d_x, float* d_weight) override {
    kernels::rms_norm_gradient(rows, dim, x, weight, d_out, d_x, d_weight);
  }
  void layer_norm(int rows, int dim, const float* x, const float* weight, const float* bias,
                  float* out) override {
    kernels::layer_norm(rows, dim, x, weight, bias, out);
  }
  void layer_norm_gradient(int rows, int dim, const float* x, const float* weight, const float* d_out,
                           float* d_x, float* d_weight, float* d_bias) override {
    kernels::layer_norm_gradient(rows, dim, x, weight, d_out, d_x, d_weight, d_bias);
  }
  void gelu(std::size_t count, const float* x, float* out) override { kernels::gelu(count, x, out); }
  void gelu_gradient(std::size_t count, const float* x, const float* d_out, float* d_x) override {
    kernels::gelu_gradient(count, x, d_out, d_x);
  }
  void convolve(const ConvolutionShape& s, const float* x, const float* taps, const float* bias,
                float* u) override {
    kernels::convolve(s, x, taps, bias, u);
  }
  void convolve_gradient(const ConvolutionShape& s, const float* x, const float* taps, const float* bias,
                         float* d_u, float* d_x, float* d_taps, float* d_bias, float* d_mask) override {
    kernels::convolve_gradient(s, x, taps, bias, d_u, d_x, d_taps, d_bias, d_mask);
  }
  std::size_t scan_memory(const ScanShape& s) const override { return kernels::scan_memory(s); }
  void scan(const ScanShape& s, const ScanInputs& in, float* y, float* kept, float* memory) override {
    kernels::scan(s, in, y, kept, memory);
  }
  void scan_gradient(const ScanShape& s, const ScanInputs& in, const float* kept, const float* d_y, float* y,
                     const ScanGradients& out, float* memory) override {
    kernels::scan_gradient(s, in, kept, d_y, y, out, memory);
  }
  void gate(const GateShape& s, const float* y_forward, const float* y_backward, const float* z,
            float* out) override {
    kernels::gate(s, y_forward, y_backward, z, out);
  }
  void gate_sum_gradient(const GateShape& s, const float* d_out, const float* z, float* d_sum) override {
    kernels::gate_sum_gradient(s, d_out, z, d_sum);
  }
  void gate_gradient(const GateShape& s, const float* d_out, const float* y_forward, const float* y_backward,
                     const float* z, float* out, float* d_z, double d_weights[2]) override {
    kernels::gate_gradient(s, d_out, y_forward, y_backward, z, out, d_z, d_weights);
  }
  void adam(const Adam& settings, std::size_t count, const float* gradient, float* weight, float* first,
            float* second, float* average) override {
    kernels::adam(settings, count, gradient, weight, first, second, average);
  }
  double sum_of_squares(std::size_t count, const float* values) override {
    return kernels::sum_of_squares(count, values);
  }
  void add(std::size_t count, const float* values, float* sum) override { kernels::add(count, values, sum); }

 private:
  cpu::ThreadPool pool_;
};

}  // namespace

std::unique_ptr<Operations> cpu_operations(int threads) {
  if (threads < 1) threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  return std::make_unique<CpuOperations>(threads);
}

}  // namespace winnow::train
