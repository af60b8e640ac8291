// The formulas of operations.h in plain loops over numbers of type T, summed in fp64. With T = double they
// are what finite differences are taken of.
#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "train/operations/operations.h"

namespace winnow::train::reference {

constexpr double kInverseRootOfTwo = std::numbers::sqrt2 / 2.0;

inline double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }
inline double silu(double x) { return x * sigmoid(x); }
inline double silu_slope(double x) { return sigmoid(x) * (1.0 + x * (1.0 - sigmoid(x))); }
inline double softplus(double x) { return x > 20.0 ? x : std::log1p(std::exp(x)); }
inline double gelu_slope(double x) {
  constexpr double kInverseRootOfTwoPi = 0.39894228040143268;
  return 0.5 * (1.0 + std::erf(x * kInverseRootOfTwo)) + x * kInverseRootOfTwoPi * std::exp(-0.5 * x * x);
}
inline constexpr double kEpsilon = 1e-5;

inline std::size_t place(int row, int stride, int column) {
  return static_cast<std::size_t>(row) * stride + column;
}

template <typename T>
void linear(const LinearShape& s, const T* x, const T* weight, const T* bias, bool add, T* out) {
  for (int r = 0; r < s.rows; ++r)
    for (int o = 0; o < s.outputs; ++o) {
      double sum = bias != nullptr ? bias[o] : 0.0;
      for (int i = 0; i < s.inputs; ++i)
        sum += static_cast<double>(x[place(r, s.x_stride, i)]) * weight[place(o, s.inputs, i)];
      T& target = out[place(r, s.outputs, o)];
      target = static_cast<T>(add ? target + sum : sum);
    }
}

template <typename T>
void linear_input_gradient(const LinearShape& s, const T* d_out, const T* weight, bool add, T* d_x) {
  for (int r = 0; r < s.rows; ++r)
    for (int i = 0; i < s.inputs; ++i) {
      double sum = 0.0;
      for (int o = 0; o < s.outputs; ++o)
        sum += static_cast<double>(d_out[place(r, s.outputs, o)]) * weight[place(o, s.inputs, i)];
      T& target = d_x[place(r, s.x_stride, i)];
      target = static_cast<T>(add ? target + sum : sum);
    }
}

template <typename T>
void linear_weight_gradient(const LinearShape& s, const T* d_out, const T* x, T* d_weight, T* d_bias) {
  for (int o = 0; o < s.outputs; ++o) {
    for (int i = 0; i < s.inputs; ++i) {
      double sum = 0.0;
      for (int r = 0; r < s.rows; ++r)
        sum += static_cast<double>(d_out[place(r, s.outputs, o)]) * x[place(r, s.x_stride, i)];
      d_weight[place(o, s.inputs, i)] += static_cast<T>(sum);
    }
    if (d_bias == nullptr) continue;
    double sum = 0.0;
    for (int r = 0; r < s.rows; ++r) sum += d_out[place(r, s.outputs, o)];
    d_bias[o] += static_cast<T>(sum);
  }
}

// Mean and 1 / sqrt(variance + epsilon) of a row; around zero for RMSNorm.
struct Moments {
  double mean, scale;
};
template <typename T>
Moments moments(const T* x, int dim, bool centred) {
  double mean = 0.0, squares = 0.0;
  if (centred) {
    for (int i = 0; i < dim; ++i) mean += x[i];
    mean /= dim;
  }
  for (int i = 0; i < dim; ++i) squares += (x[i] - mean) * (x[i] - mean);
  return {mean, 1.0 / std::sqrt(squares / dim + kEpsilon)};
}

template <typename T>
void norm(int rows, int dim, bool centred, const T* x, const T* weight, const T* bias, T* out) {
  for (int r = 0; r < rows; ++r, x += dim, out += dim) {
    const Moments m = moments(x, dim, centred);
    for (int i = 0; i < dim; ++i)
      out[i] = static_cast<T>((x[i] - m.mean) * m.scale * weight[i] + (bias != nullptr ? bias[i] : 0.0));
  }
}

// With n = (x - mean) scale and g = d_out weight: d_x = scale (g - mean(g) - n mean(g n)), without mean(g)
// for RMSNorm.
template <typename T>
void norm_gradient(int rows, int dim, bool centred, const T* x, const T* weight, const T* d_out, T* d_x,
                   T* d_weight, T* d_bias) {
  for (int r = 0; r < rows; ++r, x += dim, d_out += dim, d_x += dim) {
    const Moments m = moments(x, dim, centred);
    double sum = 0.0, product = 0.0;
    for (int i = 0; i < dim; ++i) {
      const double g = static_cast<double>(d_out[i]) * weight[i], n = (x[i] - m.mean) * m.scale;
      if (centred) sum += g;
      product += g * n;
      d_weight[i] += static_cast<T>(d_out[i] * n);
      if (d_bias != nullptr) d_bias[i] += d_out[i];
    }
    for (int i = 0; i < dim; ++i) {
      const double g = static_cast<double>(d_out[i]) * weight[i], n = (x[i] - m.mean) * m.scale;
      d_x[i] += static_cast<T>(m.scale * (g - sum / dim - n * product / dim));
    }
  }
}

template <typename T>
void gelu(std::size_t count, const T* x, T* out) {
  for (std::size_t i = 0; i < count; ++i)
    out[i] = static_cast<T>(0.5 * x[i] * (1.0 + std::erf(x[i] * kInverseRootOfTwo)));
}

template <typename T>
void gelu_gradient(std::size_t count, const T* x, const T* d_out, T* d_x) {
  for (std::size_t i = 0; i < count; ++i) d_x[i] = static_cast<T>(d_out[i] * gelu_slope(x[i]));
}

// Token of tap k of token t, or -1 before the sequence's first step.
inline int tap_token(const ConvolutionShape& s, int t, int k) {
  const int back = s.width - 1 - k, token = s.backward ? t + back : t - back;
  return token < s.tokens ? token : -1;
}

template <typename T>
double convolution_sum(const ConvolutionShape& s, const T* x, const T* taps, const T* bias, int t, int e) {
  double sum = bias[e];
  for (int k = 0; k < s.width; ++k) {
    const int token = tap_token(s, t, k);
    if (token >= 0 && token < s.live)
      sum += static_cast<double>(taps[place(k, s.channels, e)]) * x[place(token, s.x_stride, e)];
  }
  return sum;
}

template <typename T>
void convolve(const ConvolutionShape& s, const T* x, const T* taps, const T* bias, T* u) {
  for (int t = 0; t < s.tokens; ++t)
    for (int e = 0; e < s.channels; ++e)
      u[place(t, s.channels, e)] =
          t < s.live ? static_cast<T>(silu(convolution_sum(s, x, taps, bias, t, e))) : T(0);
}

template <typename T>
void convolve_gradient(const ConvolutionShape& s, const T* x, const T* taps, const T* bias, const T* d_u,
                       T* d_x, T* d_taps, T* d_bias, T* d_mask) {
  for (int e = 0; e < s.channels; ++e)
    for (int t = 0; t < s.tokens; ++t) {
      const double sum = convolution_sum(s, x, taps, bias, t, e), d = d_u[place(t, s.channels, e)];
      if (d_mask != nullptr) d_mask[t] += static_cast<T>(d * silu(sum));
      if (t >= s.live) continue;
      const double d_sum = d * silu_slope(sum);
      d_bias[e] += static_cast<T>(d_sum);
      for (int k = 0; k < s.width; ++k) {
        const int token = tap_token(s, t, k);
        if (token < 0) continue;
        const double value = x[place(token, s.x_stride, e)], tap = taps[place(k, s.channels, e)];
        if (d_mask != nullptr) d_mask[token] += static_cast<T>(d_sum * tap * value);
        if (token >= s.live) continue;
        d_taps[place(k, s.channels, e)] += static_cast<T>(d_sum * value);
        d_x[place(token, s.x_stride, e)] += static_cast<T>(d_sum * tap);
      }
    }
}

template <typename T>
struct Inputs {
  const T *steps, *u, *input_matrix, *output_matrix, *state_matrix, *skip;
};
template <typename T>
struct Gradients {
  T *steps, *u, *input_matrix, *output_matrix, *state_matrix, *skip;
};

inline int token_of(const ScanShape& s, int step) { return s.backward ? s.tokens - 1 - step : step; }

// states (or null) [tokens, states] of channel e after each step.
template <typename T>
void scan_channel(const ScanShape& s, const Inputs<T>& in, int e, T* y, std::vector<double>* states) {
  std::vector<double> h(s.states, 0.0);
  for (int step = 0; step < s.tokens; ++step) {
    const int t = token_of(s, step);
    const double delta = softplus(in.steps[place(t, s.channels, e)]), u = in.u[place(t, s.channels, e)];
    double sum = in.skip[e] * u;
    for (int n = 0; n < s.states; ++n) {
      h[n] = std::exp(delta * in.state_matrix[place(n, s.channels, e)]) * h[n] +
             delta * u * in.input_matrix[place(t, s.matrix_stride, n)];
      sum += in.output_matrix[place(t, s.matrix_stride, n)] * h[n];
    }
    y[place(t, s.channels, e)] = static_cast<T>(sum);
    if (states != nullptr) states->insert(states->end(), h.begin(), h.end());
  }
}

template <typename T>
void scan(const ScanShape& s, const Inputs<T>& in, T* y) {
  for (int e = 0; e < s.channels; ++e) scan_channel(s, in, e, y, nullptr);
}

template <typename T>
void scan_gradient(const ScanShape& s, const Inputs<T>& in, const T* d_y, T* y, const Gradients<T>& out) {
  const auto matrix_size = static_cast<std::size_t>(s.tokens) * s.states;
  std::vector<double> d_input(matrix_size, 0.0), d_output(matrix_size, 0.0), states, d_h(s.states);
  for (int e = 0; e < s.channels; ++e) {
    states.clear();
    scan_channel(s, in, e, y, &states);
    std::fill(d_h.begin(), d_h.end(), 0.0);
    for (int step = s.tokens - 1; step >= 0; --step) {
      const int t = token_of(s, step);
      const std::size_t here = place(t, s.channels, e);
      const double before = in.steps[here], delta = softplus(before), u = in.u[here], d = d_y[here];
      double d_delta = 0.0, d_u = in.skip[e] * d;
      out.skip[e] += static_cast<T>(d * u);
      for (int n = 0; n < s.states; ++n) {
        const double rate = in.state_matrix[place(n, s.channels, e)], kept = std::exp(delta * rate),
                     b = in.input_matrix[place(t, s.matrix_stride, n)],
                     previous = step > 0 ? states[place(step - 1, s.states, n)] : 0.0;
        d_h[n] += in.output_matrix[place(t, s.matrix_stride, n)] * d;
        d_output[place(t, s.states, n)] += d * states[place(step, s.states, n)];
        d_input[place(t, s.states, n)] += d_h[n] * delta * u;
        d_delta += d_h[n] * (rate * kept * previous + b * u);
        d_u += d_h[n] * delta * b;
        out.state_matrix[place(n, s.channels, e)] += static_cast<T>(d_h[n] * delta * kept * previous);
        d_h[n] *= kept;
      }
      out.u[here] = static_cast<T>(d_u);
      out.steps[here] = static_cast<T>(before > 20.0 ? d_delta : d_delta * sigmoid(before));
    }
  }
  for (int t = 0; t < s.tokens; ++t)
    for (int n = 0; n < s.states; ++n) {
      out.input_matrix[place(t, s.matrix_stride, n)] = static_cast<T>(d_input[place(t, s.states, n)]);
      out.output_matrix[place(t, s.matrix_stride, n)] = static_cast<T>(d_output[place(t, s.states, n)]);
    }
}

template <typename T>
void gate(const GateShape& s, const T* y_forward, const T* y_backward, const T* z, T* out) {
  for (int r = 0; r < s.rows; ++r)
    for (int e = 0; e < s.channels; ++e) {
      const std::size_t i = place(r, s.channels, e);
      out[i] = static_cast<T>((s.forward * y_forward[i] + s.backward * y_backward[i]) *
                              silu(z[place(r, s.z_stride, e)]));
    }
}

template <typename T>
void gate_sum_gradient(const GateShape& s, const T* d_out, const T* z, T* d_sum) {
  for (int r = 0; r < s.rows; ++r)
    for (int e = 0; e < s.channels; ++e)
      d_sum[place(r, s.channels, e)] =
          static_cast<T>(d_out[place(r, s.channels, e)] * silu(z[place(r, s.z_stride, e)]));
}

template <typename T>
void gate_gradient(const GateShape& s, const T* d_out, const T* y_forward, const T* y_backward, const T* z,
                   T* out, T* d_z, double d_weights[2]) {
  d_weights[0] = d_weights[1] = 0.0;
  for (int r = 0; r < s.rows; ++r)
    for (int e = 0; e < s.channels; ++e) {
      const std::size_t i = place(r, s.channels, e);
      const double gate = z[place(r, s.z_stride, e)], d = d_out[i];
      const double sum = s.forward * y_forward[i] + s.backward * y_backward[i];
      out[i] = static_cast<T>(sum * silu(gate));
      d_z[place(r, s.z_stride, e)] = static_cast<T>(d * sum * silu_slope(gate));
      d_weights[0] += d * silu(gate) * y_forward[i];
      d_weights[1] += d * silu(gate) * y_backward[i];
    }
}

}  // namespace winnow::train::reference
