// The formulas that operations are made of, in fp64: of the reference backend, and of training's operations
// in plain loops, whose numbers are of type T.
#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>

#include "ops/backend.h"

namespace winnow::reference {

inline double sigmoid(double v) { return 1.0 / (1.0 + std::exp(-v)); }
inline double silu(double v) { return v * sigmoid(v); }
inline double softplus(double v) { return v > 20.0 ? v : std::log1p(std::exp(v)); }
inline double gelu(double v) { return 0.5 * v * (1.0 + std::erf(v / std::numbers::sqrt2)); }

inline double activate(Activation activation, double v) {
  if (activation == Activation::gelu) return gelu(v);
  if (activation == Activation::relu) return std::max(v, 0.0);
  return v;
}

template <typename T>
double dot(const T* a, const T* b, int n) {
  double sum = 0.0;
  for (int i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

// Mean and 1 / sqrt(variance + epsilon) of n values; around zero, as RMSNorm has them, unless `centred`.
struct Moments {
  double mean, scale;
};
template <typename T>
Moments moments(const T* v, int n, double epsilon, bool centred) {
  double mean = 0.0, squares = 0.0;
  for (int i = 0; centred && i < n; ++i) mean += v[i];
  mean /= n;
  for (int i = 0; i < n; ++i) squares += (v[i] - mean) * (v[i] - mean);
  return {mean, 1.0 / std::sqrt(squares / n + epsilon)};
}

// out = RMSNorm(v) * weight of n values; with a bias LayerNorm(v) * weight + bias, then the activation. out
// may be v.
template <typename T>
void norm(const T* v, const T* weight, const T* bias, double epsilon, int n, T* out,
          Activation activation = Activation::none) {
  const Moments m = moments(v, n, epsilon, bias != nullptr);
  for (int i = 0; i < n; ++i) {
    const double normed = (v[i] - m.mean) * m.scale * weight[i];
    out[i] = static_cast<T>(activate(activation, bias != nullptr ? normed + bias[i] : normed));
  }
}

// bias + sum over k < width of tap(k) value(k): of a convolution, where value(k) is 0 beyond the sequence's
// ends.
template <typename Tap, typename Value>
double convolution_sum(double bias, int width, Tap tap, Value value) {
  for (int k = 0; k < width; ++k) bias += static_cast<double>(tap(k)) * value(k);
  return bias;
}

// One step of the selective scan in one channel: h = exp(delta A) h + delta B u in place, and C h + D u. h, B
// and C [states]; a(n): A of state n.
template <typename State, typename T, typename A>
double scan_step(int states, double delta, double u, A a, const T* b, const T* c, double d, State* h) {
  double sum = d * u;
  for (int n = 0; n < states; ++n) {
    h[n] = static_cast<State>(std::exp(delta * a(n)) * h[n] + delta * b[n] * u);
    sum += static_cast<double>(c[n]) * h[n];
  }
  return sum;
}

}  // namespace winnow::reference
