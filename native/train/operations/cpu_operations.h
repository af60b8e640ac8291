// The operations of training on this processor: products are oneDNN's, the rest are kernels that Highway
// compiles for every instruction set and chooses at run time (kernels_*.cc).
#pragma once

#include "cpu/thread_pool.h"
#include "train/operations/operations.h"

namespace winnow::train {

class CpuOperations : public Operations {
 public:
  explicit CpuOperations(int threads) : pool_(threads) {}

  int threads() const override { return pool_.threads(); }
  void run(int count, const std::function<void(int, int)>& task) override { pool_.run(count, task); }

  void linear(const LinearShape& shape, const float* x, const float* weight, const float* bias, bool add,
              float* out) override;
  void linear_input_gradient(const LinearShape& shape, const float* d_out, const float* weight, bool add,
                             float* d_x) override;
  void linear_weight_gradient(const LinearShape& shape, const float* d_out, const float* x, float* d_weight,
                              float* d_bias) override;
  void rms_norm(int rows, int dim, const float* x, const float* weight, float* out) override;
  void rms_norm_gradient(int rows, int dim, const float* x, const float* weight, const float* d_out,
                         float* d_x, float* d_weight) override;
  void layer_norm(int rows, int dim, const float* x, const float* weight, const float* bias,
                  float* out) override;
  void layer_norm_gradient(int rows, int dim, const float* x, const float* weight, const float* d_out,
                           float* d_x, float* d_weight, float* d_bias) override;
  void gelu(std::size_t count, const float* x, float* out) override;
  void gelu_gradient(std::size_t count, const float* x, const float* d_out, float* d_x) override;
  void convolve(const ConvolutionShape& shape, const float* x, const float* taps, const float* bias,
                float* u) override;
  void convolve_gradient(const ConvolutionShape& shape, const float* x, const float* taps, const float* bias,
                         float* d_u, float* d_x, float* d_taps, float* d_bias, float* d_mask) override;
  std::size_t scan_memory(const ScanShape& shape) const override;
  void scan(const ScanShape& shape, const ScanInputs& in, float* y, float* kept, float* memory) override;
  void scan_gradient(const ScanShape& shape, const ScanInputs& in, const float* kept, const float* d_y,
                     float* y, const ScanGradients& out, float* memory) override;
  void gate(const GateShape& shape, const float* y_forward, const float* y_backward, const float* z,
            float* out) override;
  void gate_sum_gradient(const GateShape& shape, const float* d_out, const float* z, float* d_sum) override;
  void gate_gradient(const GateShape& shape, const float* d_out, const float* y_forward,
                     const float* y_backward, const float* z, float* out, float* d_z,
                     double d_weights[2]) override;
  void adam(const Adam& settings, std::size_t count, const float* gradient, float* weight,
            float* first_moment, float* second_moment, float* average) override;
  double sum_of_squares(std::size_t count, const float* values) override;
  void add(std::size_t count, const float* values, float* sum) override;

 private:
  // sums[c] += values[r, c]
  static void add_columns(int rows, int columns, const float* values, float* sums);

  cpu::ThreadPool pool_;
};

}  // namespace winnow::train
