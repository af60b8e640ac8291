#include "train/operations/reference_formulas.h"

namespace winnow::train {
namespace {

class ReferenceOperations : public Operations {
 public:
  int threads() const override { return 1; }
  void run(int count, const std::function<void(int, int)>& task) override {
    for (int index = 0; index < count; ++index) task(index, 0);
  }
  void linear(const LinearShape& s, const float* x, const float* weight, const float* bias, bool add,
              float* out) override {
    reference::linear(s, x, weight, bias, add, out);
  }
  void linear_input_gradient(const LinearShape& s, const float* d_out, const float* weight, bool add,
                             float* d_x) override {
    reference::linear_input_gradient(s, d_out, weight, add, d_x);
  }
  void linear_weight_gradient(const LinearShape& s, const float* d_out, const float* x, float* d_weight,
                              float* d_bias) override {
    reference::linear_weight_gradient(s, d_out, x, d_weight, d_bias);
  }
  void rms_norm(int rows, int dim, const float* x, const float* weight, float* out) override {
    reference::norm<float>(rows, dim, false, x, weight, nullptr, out);
  }
  void rms_norm_gradient(int rows, int dim, const float* x, const float* weight, const float* d_out,
                         float* d_x, float* d_weight) override {
    reference::norm_gradient<float>(rows, dim, false, x, weight, d_out, d_x, d_weight, nullptr);
  }
  void layer_norm(int rows, int dim, const float* x, const float* weight, const float* bias,
                  float* out) override {
    reference::norm(rows, dim, true, x, weight, bias, out);
  }
  void layer_norm_gradient(int rows, int dim, const float* x, const float* weight, const float* d_out,
                           float* d_x, float* d_weight, float* d_bias) override {
    reference::norm_gradient(rows, dim, true, x, weight, d_out, d_x, d_weight, d_bias);
  }
  void gelu(std::size_t count, const float* x, float* out) override { reference::gelu(count, x, out); }
  void gelu_gradient(std::size_t count, const float* x, const float* d_out, float* d_x) override {
    reference::gelu_gradient(count, x, d_out, d_x);
  }
  void convolve(const ConvolutionShape& s, const float* x, const float* taps, const float* bias,
                float* u) override {
    reference::convolve(s, x, taps, bias, u);
  }
  void convolve_gradient(const ConvolutionShape& s, const float* x, const float* taps, const float* bias,
                         float* d_u, float* d_x, float* d_taps, float* d_bias, float* d_mask) override {
    reference::convolve_gradient<float>(s, x, taps, bias, d_u, d_x, d_taps, d_bias, d_mask);
  }
  std::size_t scan_memory(const ScanShape&) const override { return 0; }
  void scan(const ScanShape& s, const ScanInputs& in, float* y, float*, float*) override {
    reference::scan(s, inputs(in), y);
  }
  void scan_gradient(const ScanShape& s, const ScanInputs& in, const float*, const float* d_y, float* y,
                     const ScanGradients& out, float*) override {
    reference::scan_gradient<float>(
        s, inputs(in), d_y, y,
        {out.steps, out.u, out.input_matrix, out.output_matrix, out.state_matrix, out.skip});
  }
  void gate(const GateShape& s, const float* y_forward, const float* y_backward, const float* z,
            float* out) override {
    reference::gate(s, y_forward, y_backward, z, out);
  }
  void gate_sum_gradient(const GateShape& s, const float* d_out, const float* z, float* d_sum) override {
    reference::gate_sum_gradient(s, d_out, z, d_sum);
  }
  void gate_gradient(const GateShape& s, const float* d_out, const float* y_forward, const float* y_backward,
                     const float* z, float* out, float* d_z, double d_weights[2]) override {
    reference::gate_gradient(s, d_out, y_forward, y_backward, z, out, d_z, d_weights);
  }
  void adam(const Adam& s, std::size_t count, const float* gradient, float* weight, float* first,
            float* second, float* average) override {
    for (std::size_t i = 0; i < count; ++i) {
      const float g = gradient[i] * s.gradient_scale;
      first[i] += (1.0f - s.beta1) * (g - first[i]);
      second[i] += (1.0f - s.beta2) * (g * g - second[i]);
      const float step = first[i] / s.correction1 / (std::sqrt(second[i] / s.correction2) + s.epsilon);
      weight[i] -= s.learning_rate * (step + s.weight_decay * weight[i]);
      average[i] += (1.0f - s.ema_decay) * (weight[i] - average[i]);
    }
  }
  double sum_of_squares(std::size_t count, const float* values) override {
    double sum = 0.0;
    for (std::size_t i = 0; i < count; ++i) sum += static_cast<double>(values[i]) * values[i];
    return sum;
  }
  void add(std::size_t count, const float* values, float* sum) override {
    for (std::size_t i = 0; i < count; ++i) sum[i] += values[i];
  }

 private:
  static reference::Inputs<float> inputs(const ScanInputs& in) {
    return {in.steps, in.u, in.input_matrix, in.output_matrix, in.state_matrix, in.skip};
  }
};

}  // namespace

std::unique_ptr<Operations> reference_operations() { return std::make_unique<ReferenceOperations>(); }

}  // namespace winnow::train
