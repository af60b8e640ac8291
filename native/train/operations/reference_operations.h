// The operations of training in plain loops on one thread, summed in fp64: what the others are compared with.
// With T = double they are what finite differences are taken of.
#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "reference/formulas.h"
#include "train/operations/operations.h"

namespace winnow::train {

template <typename T>
class ReferenceOperations : public OperationsOf<T> {
 public:
  int threads() const override { return 1; }
  void run(int count, const std::function<void(int, int)>& task) override {
    for (int index = 0; index < count; ++index) task(index, 0);
  }

  void linear(const LinearShape& s, const T* x, const T* weight, const T* bias, bool add, T* out) override {
    for (int r = 0; r < s.rows; ++r)
      for (int o = 0; o < s.outputs; ++o) {
        double sum = bias != nullptr ? bias[o] : 0.0;
        for (int i = 0; i < s.inputs; ++i)
          sum += static_cast<double>(x[at(r, s.x_stride, i)]) * weight[at(o, s.inputs, i)];
        T& target = out[at(r, s.outputs, o)];
        target = static_cast<T>(add ? target + sum : sum);
      }
  }
  void linear_input_gradient(const LinearShape& s, const T* d_out, const T* weight, bool add,
                             T* d_x) override {
    for (int r = 0; r < s.rows; ++r)
      for (int i = 0; i < s.inputs; ++i) {
        double sum = 0.0;
        for (int o = 0; o < s.outputs; ++o)
          sum += static_cast<double>(d_out[at(r, s.outputs, o)]) * weight[at(o, s.inputs, i)];
        T& target = d_x[at(r, s.x_stride, i)];
        target = static_cast<T>(add ? target + sum : sum);
      }
  }
  void linear_weight_gradient(const LinearShape& s, const T* d_out, const T* x, T* d_weight,
                              T* d_bias) override {
    for (int o = 0; o < s.outputs; ++o) {
      for (int i = 0; i < s.inputs; ++i) {
        double sum = 0.0;
        for (int r = 0; r < s.rows; ++r)
          sum += static_cast<double>(d_out[at(r, s.outputs, o)]) * x[at(r, s.x_stride, i)];
        d_weight[at(o, s.inputs, i)] += static_cast<T>(sum);
      }
      if (d_bias == nullptr) continue;
      double sum = 0.0;
      for (int r = 0; r < s.rows; ++r) sum += d_out[at(r, s.outputs, o)];
      d_bias[o] += static_cast<T>(sum);
    }
  }

  void rms_norm(int rows, int dim, const T* x, const T* weight, T* out) override {
    for (int r = 0; r < rows; ++r)
      reference::norm<T>(x + at(r, dim, 0), weight, nullptr, kEpsilon, dim, out + at(r, dim, 0));
  }
  void rms_norm_gradient(int rows, int dim, const T* x, const T* weight, const T* d_out, T* d_x,
                         T* d_weight) override {
    norm_gradient(rows, dim, x, weight, d_out, d_x, d_weight, nullptr);
  }
  void layer_norm(int rows, int dim, const T* x, const T* weight, const T* bias, T* out) override {
    for (int r = 0; r < rows; ++r)
      reference::norm(x + at(r, dim, 0), weight, bias, kEpsilon, dim, out + at(r, dim, 0));
  }
  void layer_norm_gradient(int rows, int dim, const T* x, const T* weight, const T* d_out, T* d_x,
                           T* d_weight, T* d_bias) override {
    norm_gradient(rows, dim, x, weight, d_out, d_x, d_weight, d_bias);
  }
  void gelu(std::size_t count, const T* x, T* out) override {
    for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<T>(reference::gelu(x[i]));
  }
  void gelu_gradient(std::size_t count, const T* x, const T* d_out, T* d_x) override {
    for (std::size_t i = 0; i < count; ++i) d_x[i] = static_cast<T>(d_out[i] * gelu_slope(x[i]));
  }

  void convolve(const ConvolutionShape& s, const T* x, const T* taps, const T* bias, T* u) override {
    for (int t = 0; t < s.tokens; ++t)
      for (int e = 0; e < s.channels; ++e)
        u[at(t, s.channels, e)] =
            t < s.live ? static_cast<T>(silu(convolution_sum(s, x, taps, bias, t, e))) : T(0);
  }
  void convolve_gradient(const ConvolutionShape& s, const T* x, const T* taps, const T* bias, T* d_u, T* d_x,
                         T* d_taps, T* d_bias, T* d_mask) override {
    for (int e = 0; e < s.channels; ++e)
      for (int t = 0; t < s.tokens; ++t) {
        const double sum = convolution_sum(s, x, taps, bias, t, e), d = d_u[at(t, s.channels, e)];
        if (d_mask != nullptr) d_mask[t] += static_cast<T>(d * silu(sum));
        if (t >= s.live) continue;
        const double d_sum = d * silu_slope(sum);
        d_bias[e] += static_cast<T>(d_sum);
        for (int k = 0; k < s.width; ++k) {
          const int token = tap_token(s, t, k);
          if (token < 0) continue;
          const double value = x[at(token, s.x_stride, e)], tap = taps[at(k, s.channels, e)];
          if (d_mask != nullptr) d_mask[token] += static_cast<T>(d_sum * tap * value);
          if (token >= s.live) continue;
          d_taps[at(k, s.channels, e)] += static_cast<T>(d_sum * value);
          d_x[at(token, s.x_stride, e)] += static_cast<T>(d_sum * tap);
        }
      }
  }

  std::size_t scan_memory(const ScanShape&) const override { return 0; }
  void scan(const ScanShape& s, const ScanInputsOf<T>& in, T* y, T*, T*) override {
    for (int e = 0; e < s.channels; ++e) scan_channel(s, in, e, y, nullptr);
  }
  void scan_gradient(const ScanShape& s, const ScanInputsOf<T>& in, const T*, const T* d_y, T* y,
                     const ScanGradientsOf<T>& out, T*) override {
    const auto matrix_size = static_cast<std::size_t>(s.tokens) * s.states;
    std::vector<double> d_input(matrix_size, 0.0), d_output(matrix_size, 0.0), states, d_h(s.states);
    for (int e = 0; e < s.channels; ++e) {
      states.clear();
      scan_channel(s, in, e, y, &states);
      std::fill(d_h.begin(), d_h.end(), 0.0);
      for (int step = s.tokens - 1; step >= 0; --step) {
        const int t = token_of(s, step);
        const std::size_t here = at(t, s.channels, e);
        const double before = in.steps[here], delta = reference::softplus(before), u = in.u[here],
                     d = d_y[here];
        double d_delta = 0.0, d_u = in.skip[e] * d;
        out.skip[e] += static_cast<T>(d * u);
        for (int n = 0; n < s.states; ++n) {
          const double a = in.state_matrix[at(n, s.channels, e)], kept = std::exp(delta * a),
                       b = in.input_matrix[at(t, s.matrix_stride, n)],
                       previous = step > 0 ? states[at(step - 1, s.states, n)] : 0.0;
          d_h[n] += in.output_matrix[at(t, s.matrix_stride, n)] * d;
          d_output[at(t, s.states, n)] += d * states[at(step, s.states, n)];
          d_input[at(t, s.states, n)] += d_h[n] * delta * u;
          d_delta += d_h[n] * (a * kept * previous + b * u);
          d_u += d_h[n] * delta * b;
          out.state_matrix[at(n, s.channels, e)] += static_cast<T>(d_h[n] * delta * kept * previous);
          d_h[n] *= kept;
        }
        out.u[here] = static_cast<T>(d_u);
        out.steps[here] = static_cast<T>(before > 20.0 ? d_delta : d_delta * reference::sigmoid(before));
      }
    }
    for (int t = 0; t < s.tokens; ++t)
      for (int n = 0; n < s.states; ++n) {
        out.input_matrix[at(t, s.matrix_stride, n)] = static_cast<T>(d_input[at(t, s.states, n)]);
        out.output_matrix[at(t, s.matrix_stride, n)] = static_cast<T>(d_output[at(t, s.states, n)]);
      }
  }

  void gate(const GateShape& s, const T* y_forward, const T* y_backward, const T* z, T* out) override {
    for (int r = 0; r < s.rows; ++r)
      for (int e = 0; e < s.channels; ++e) {
        const std::size_t i = at(r, s.channels, e);
        out[i] = static_cast<T>((s.forward * y_forward[i] + s.backward * y_backward[i]) *
                                silu(z[at(r, s.z_stride, e)]));
      }
  }
  void gate_sum_gradient(const GateShape& s, const T* d_out, const T* z, T* d_sum) override {
    for (int r = 0; r < s.rows; ++r)
      for (int e = 0; e < s.channels; ++e)
        d_sum[at(r, s.channels, e)] =
            static_cast<T>(d_out[at(r, s.channels, e)] * silu(z[at(r, s.z_stride, e)]));
  }
  void gate_gradient(const GateShape& s, const T* d_out, const T* y_forward, const T* y_backward, const T* z,
                     T* out, T* d_z, double d_weights[2]) override {
    d_weights[0] = d_weights[1] = 0.0;
    for (int r = 0; r < s.rows; ++r)
      for (int e = 0; e < s.channels; ++e) {
        const std::size_t i = at(r, s.channels, e);
        const double gate = z[at(r, s.z_stride, e)], d = d_out[i];
        const double sum = s.forward * y_forward[i] + s.backward * y_backward[i];
        out[i] = static_cast<T>(sum * silu(gate));
        d_z[at(r, s.z_stride, e)] = static_cast<T>(d * sum * silu_slope(gate));
        d_weights[0] += d * silu(gate) * y_forward[i];
        d_weights[1] += d * silu(gate) * y_backward[i];
      }
  }

  void adam(const Adam& s, std::size_t count, const T* gradient, T* weight, T* first, T* second,
            T* average) override {
    for (std::size_t i = 0; i < count; ++i) {
      const T g = gradient[i] * s.gradient_scale;
      first[i] += (1.0f - s.beta1) * (g - first[i]);
      second[i] += (1.0f - s.beta2) * (g * g - second[i]);
      const T step = first[i] / s.correction1 / (std::sqrt(second[i] / s.correction2) + s.epsilon);
      weight[i] -= s.learning_rate * (step + s.weight_decay * weight[i]);
      average[i] += (1.0f - s.ema_decay) * (weight[i] - average[i]);
    }
  }
  double sum_of_squares(std::size_t count, const T* values) override {
    double sum = 0.0;
    for (std::size_t i = 0; i < count; ++i) sum += static_cast<double>(values[i]) * values[i];
    return sum;
  }
  void add(std::size_t count, const T* values, T* sum) override {
    for (std::size_t i = 0; i < count; ++i) sum[i] += values[i];
  }

 private:
  static constexpr double kEpsilon = 1e-5;

  static double silu(double x) { return reference::silu(x); }
  static double silu_slope(double x) {
    const double s = reference::sigmoid(x);
    return s * (1.0 + x * (1.0 - s));
  }
  static double gelu_slope(double x) {
    constexpr double kInverseRootOfTwoPi = std::numbers::inv_sqrtpi / std::numbers::sqrt2;
    return 0.5 * (1.0 + std::erf(x / std::numbers::sqrt2)) + x * kInverseRootOfTwoPi * std::exp(-0.5 * x * x);
  }

  static std::size_t at(int row, int stride, int column) {
    return static_cast<std::size_t>(row) * stride + column;
  }

  // With n = (x - mean) scale and g = d_out weight: d_x = scale (g - mean(g) - n mean(g n)); without a bias,
  // for RMSNorm, without mean(g).
  static void norm_gradient(int rows, int dim, const T* x, const T* weight, const T* d_out, T* d_x,
                            T* d_weight, T* d_bias) {
    const bool centred = d_bias != nullptr;
    for (int r = 0; r < rows; ++r, x += dim, d_out += dim, d_x += dim) {
      const reference::Moments m = reference::moments(x, dim, kEpsilon, centred);
      double sum = 0.0, product = 0.0;
      for (int i = 0; i < dim; ++i) {
        const double g = static_cast<double>(d_out[i]) * weight[i], n = (x[i] - m.mean) * m.scale;
        if (centred) sum += g;
        product += g * n;
        d_weight[i] += static_cast<T>(d_out[i] * n);
        if (centred) d_bias[i] += d_out[i];
      }
      for (int i = 0; i < dim; ++i) {
        const double g = static_cast<double>(d_out[i]) * weight[i], n = (x[i] - m.mean) * m.scale;
        d_x[i] += static_cast<T>(m.scale * (g - sum / dim - n * product / dim));
      }
    }
  }

  // Token of tap k of token t, or -1 before the sequence's first step.
  static int tap_token(const ConvolutionShape& s, int t, int k) {
    const int back = s.width - 1 - k, token = s.backward ? t + back : t - back;
    return token < s.tokens ? token : -1;
  }
  static double convolution_sum(const ConvolutionShape& s, const T* x, const T* taps, const T* bias, int t,
                                int e) {
    const auto value = [&](int k) {
      const int token = tap_token(s, t, k);
      return token >= 0 && token < s.live ? x[at(token, s.x_stride, e)] : T(0);
    };
    return reference::convolution_sum(
        bias[e], s.width, [&](int k) { return taps[at(k, s.channels, e)]; }, value);
  }

  static int token_of(const ScanShape& s, int step) { return s.backward ? s.tokens - 1 - step : step; }
  // states (or null) [tokens, states] of channel e after each step.
  static void scan_channel(const ScanShape& s, const ScanInputsOf<T>& in, int e, T* y,
                           std::vector<double>* states) {
    std::vector<double> h(s.states, 0.0);
    const auto a = [&](int n) { return in.state_matrix[at(n, s.channels, e)]; };
    for (int step = 0; step < s.tokens; ++step) {
      const int t = token_of(s, step);
      const std::size_t here = at(t, s.channels, e);
      y[here] = static_cast<T>(reference::scan_step(s.states, reference::softplus(in.steps[here]), in.u[here],
                                                    a, in.input_matrix + at(t, s.matrix_stride, 0),
                                                    in.output_matrix + at(t, s.matrix_stride, 0), in.skip[e],
                                                    h.data()));
      if (states != nullptr) states->insert(states->end(), h.begin(), h.end());
    }
  }
};

}  // namespace winnow::train
