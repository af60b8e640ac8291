#include <cmath>

#include "train/operations/cpu_operations.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "train/operations/kernels_rows.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "train/operations/kernels_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace winnow::train::HWY_NAMESPACE {

constexpr float kEpsilon = 1e-5f;

// Mean and 1 / sqrt(variance + epsilon) of a row; around zero for RMSNorm.
struct Moments {
  float mean, scale;
};
template <bool Centred>
HWY_INLINE Moments moments(const float* x, int dim) {
  float mean = 0.0f;
  if constexpr (Centred) {
    V sum = constant(0.0f);
    for_lanes(dim, [&](std::size_t i, Lanes lanes) { sum = hn::Add(sum, lanes.load(x + i)); });
    mean = total(sum) / static_cast<float>(dim);
  }
  V squares = constant(0.0f);
  for_lanes(dim, [&](std::size_t i, Lanes lanes) {
    V v = lanes.load(x + i);
    if constexpr (Centred) {
      v = hn::Sub(v, constant(mean));
      if (!lanes.whole()) v = hn::IfThenElseZero(hn::FirstN(Floats(), lanes.count), v);
    }
    squares = hn::MulAdd(v, v, squares);
  });
  return {mean, 1.0f / std::sqrt(total(squares) / static_cast<float>(dim) + kEpsilon)};
}

template <bool Centred>
HWY_INLINE void norm_rows(int rows, int dim, const float* x, const float* weight, const float* bias,
                          float* out) {
  for (int r = 0; r < rows; ++r, x += dim, out += dim) {
    const Moments m = moments<Centred>(x, dim);
    for_lanes(dim, [&](std::size_t i, Lanes lanes) {
      V v = lanes.load(x + i);
      if constexpr (Centred) v = hn::Sub(v, constant(m.mean));
      v = hn::Mul(hn::Mul(v, constant(m.scale)), lanes.load(weight + i));
      if constexpr (Centred) v = hn::Add(v, lanes.load(bias + i));
      lanes.store(v, out + i);
    });
  }
}

template <bool Centred>
HWY_INLINE void norm_rows_gradient(int rows, int dim, const float* x, const float* weight, const float* d_out,
                                   float* d_x, float* d_weight, float* d_bias) {
  for (int r = 0; r < rows; ++r, x += dim, d_out += dim, d_x += dim) {
    const Moments m = moments<Centred>(x, dim);
    const auto normed = [&](std::size_t i, Lanes lanes) {
      V v = lanes.load(x + i);
      if constexpr (Centred) v = hn::Sub(v, constant(m.mean));
      return hn::Mul(v, constant(m.scale));
    };
    V sum = constant(0.0f), product = sum;
    for_lanes(dim, [&](std::size_t i, Lanes lanes) {
      const V d = lanes.load(d_out + i), n = normed(i, lanes), g = hn::Mul(d, lanes.load(weight + i));
      product = hn::MulAdd(g, n, product);
      lanes.add(hn::Mul(d, n), d_weight + i);
      if constexpr (Centred) {
        sum = hn::Add(sum, g);
        lanes.add(d, d_bias + i);
      }
    });
    const V mean = constant(Centred ? total(sum) / static_cast<float>(dim) : 0.0f),
            slope = constant(total(product) / static_cast<float>(dim));
    for_lanes(dim, [&](std::size_t i, Lanes lanes) {
      const V g = hn::Mul(lanes.load(d_out + i), lanes.load(weight + i));
      const V centred = Centred ? hn::Sub(g, mean) : g;
      const V d = hn::Mul(constant(m.scale), hn::NegMulAdd(normed(i, lanes), slope, centred));
      lanes.add(d, d_x + i);
    });
  }
}

void rms_norm(int rows, int dim, const float* x, const float* weight, float* out) {
  norm_rows<false>(rows, dim, x, weight, nullptr, out);
}
void rms_norm_gradient(int rows, int dim, const float* x, const float* weight, const float* d_out, float* d_x,
                       float* d_weight) {
  norm_rows_gradient<false>(rows, dim, x, weight, d_out, d_x, d_weight, nullptr);
}
void layer_norm(int rows, int dim, const float* x, const float* weight, const float* bias, float* out) {
  norm_rows<true>(rows, dim, x, weight, bias, out);
}
void layer_norm_gradient(int rows, int dim, const float* x, const float* weight, const float* d_out,
                         float* d_x, float* d_weight, float* d_bias) {
  norm_rows_gradient<true>(rows, dim, x, weight, d_out, d_x, d_weight, d_bias);
}

void gelu(std::size_t count, const float* x, float* out) {
  for_lanes(count, [&](std::size_t i, Lanes lanes) {
    lanes.store(math::gelu(Floats(), lanes.load(x + i)), out + i);
  });
}

// Phi(x) + x phi(x), with the erf of math::gelu (Abramowitz and Stegun 7.1.26).
HWY_INLINE V gelu_slope(V x) {
  const Floats d;
  const V a = hn::Mul(hn::Abs(x), constant(0.70710678118654752f));
  const V t = math::reciprocal<math::Exactness::fp32>(d, hn::MulAdd(a, constant(0.3275911f), constant(1.0f)));
  V p = constant(1.061405429f);
  p = hn::MulAdd(p, t, constant(-1.453152027f));
  p = hn::MulAdd(p, t, constant(1.421413741f));
  p = hn::MulAdd(p, t, constant(-0.284496736f));
  p = hn::MulAdd(p, t, constant(0.254829592f));
  const V bell = math::exp2_of_negative(d, hn::Mul(hn::Mul(a, a), constant(-math::kLog2E)));
  const V erf = hn::CopySign(hn::NegMulAdd(hn::Mul(p, t), bell, constant(1.0f)), x);
  const V share = hn::MulAdd(erf, constant(0.5f), constant(0.5f));
  return hn::MulAdd(hn::Mul(x, constant(0.39894228040143268f)), bell, share);
}

void gelu_gradient(std::size_t count, const float* x, const float* d_out, float* d_x) {
  for_lanes(count, [&](std::size_t i, Lanes lanes) {
    lanes.store(hn::Mul(lanes.load(d_out + i), gelu_slope(lanes.load(x + i))), d_x + i);
  });
}

void gate(const GateShape& s, const float* y_forward, const float* y_backward, const float* z, float* out) {
  const V forward = constant(s.forward), backward = constant(s.backward);
  for (int r = 0; r < s.rows; ++r)
    for_lanes(s.channels, [&](std::size_t e, Lanes lanes) {
      const std::size_t i = static_cast<std::size_t>(r) * s.channels + e;
      const V gate = lanes.load(z + static_cast<std::size_t>(r) * s.z_stride + e);
      const V sum =
          hn::MulAdd(forward, lanes.load(y_forward + i), hn::Mul(backward, lanes.load(y_backward + i)));
      lanes.store(hn::Mul(sum, silu(gate)), out + i);
    });
}

void gate_sum_gradient(const GateShape& s, const float* d_out, const float* z, float* d_sum) {
  for (int r = 0; r < s.rows; ++r)
    for_lanes(s.channels, [&](std::size_t e, Lanes lanes) {
      const std::size_t i = static_cast<std::size_t>(r) * s.channels + e;
      const V gate = lanes.load(z + static_cast<std::size_t>(r) * s.z_stride + e);
      lanes.store(hn::Mul(lanes.load(d_out + i), silu(gate)), d_sum + i);
    });
}

void gate_gradient(const GateShape& s, const float* d_out, const float* y_forward, const float* y_backward,
                   const float* z, float* out, float* d_z, double d_weights[2]) {
  const V forward = constant(s.forward), backward = constant(s.backward);
  d_weights[0] = d_weights[1] = 0.0;
  for (int r = 0; r < s.rows; ++r) {
    V first = constant(0.0f), second = first;
    for_lanes(s.channels, [&](std::size_t e, Lanes lanes) {
      const std::size_t i = static_cast<std::size_t>(r) * s.channels + e,
                        j = static_cast<std::size_t>(r) * s.z_stride + e;
      const V gate = lanes.load(z + j), d = lanes.load(d_out + i), a = lanes.load(y_forward + i),
              b = lanes.load(y_backward + i);
      const V open = sigmoid(gate), through = hn::Mul(gate, open),
              sum = hn::MulAdd(forward, a, hn::Mul(backward, b)), d_through = hn::Mul(d, through);
      lanes.store(hn::Mul(sum, through), out + i);
      lanes.store(hn::Mul(hn::Mul(d, sum), silu_slope(gate, open)), d_z + j);
      first = hn::MulAdd(d_through, a, first);
      second = hn::MulAdd(d_through, b, second);
    });
    d_weights[0] += total(first);
    d_weights[1] += total(second);
  }
}

void adam(const Adam& s, std::size_t count, const float* gradient, float* weight, float* first, float* second,
          float* average) {
  const V share1 = constant(1.0f - s.beta1), share2 = constant(1.0f - s.beta2),
          scale = constant(s.gradient_scale), part1 = constant(1.0f / s.correction1),
          part2 = constant(1.0f / s.correction2), epsilon = constant(s.epsilon),
          rate = constant(s.learning_rate), decay = constant(s.weight_decay),
          follow = constant(1.0f - s.ema_decay);
  for_lanes(count, [&](std::size_t i, Lanes lanes) {
    const V g = hn::Mul(lanes.load(gradient + i), scale), w = lanes.load(weight + i),
            m = lanes.load(first + i), v = lanes.load(second + i), mean = lanes.load(average + i);
    const V moved = hn::MulAdd(share1, hn::Sub(g, m), m),
            squared = hn::MulAdd(share2, hn::Sub(hn::Mul(g, g), v), v);
    const V root = hn::Add(hn::Sqrt(hn::Mul(squared, part2)), epsilon);
    const V step = hn::MulAdd(decay, w, hn::Div(hn::Mul(moved, part1), root));
    const V next = hn::NegMulAdd(rate, step, w);
    lanes.store(moved, first + i);
    lanes.store(squared, second + i);
    lanes.store(next, weight + i);
    lanes.store(hn::MulAdd(follow, hn::Sub(next, mean), mean), average + i);
  });
}

double sum_of_squares(std::size_t count, const float* values) {
  constexpr std::size_t kPiece = 4096;
  double sum = 0.0;
  for (std::size_t first = 0; first < count; first += kPiece) {
    V squares = constant(0.0f);
    for_lanes(std::min(kPiece, count - first), [&](std::size_t i, Lanes lanes) {
      const V v = lanes.load(values + first + i);
      squares = hn::MulAdd(v, v, squares);
    });
    sum += total(squares);
  }
  return sum;
}

void add(std::size_t count, const float* values, float* sum) {
  for_lanes(count, [&](std::size_t i, Lanes lanes) { lanes.add(lanes.load(values + i), sum + i); });
}

void add_columns(int rows, int columns, const float* values, float* sums) {
  for_lanes(columns, [&](std::size_t c, Lanes lanes) {
    V sum = constant(0.0f);
    for (int r = 0; r < rows; ++r)
      sum = hn::Add(sum, lanes.load(values + static_cast<std::size_t>(r) * columns + c));
    lanes.add(sum, sums + c);
  });
}

}  // namespace winnow::train::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace winnow::train {

HWY_EXPORT(rms_norm);
HWY_EXPORT(rms_norm_gradient);
HWY_EXPORT(layer_norm);
HWY_EXPORT(layer_norm_gradient);
HWY_EXPORT(gelu);
HWY_EXPORT(gelu_gradient);
HWY_EXPORT(gate);
HWY_EXPORT(gate_sum_gradient);
HWY_EXPORT(gate_gradient);
HWY_EXPORT(adam);
HWY_EXPORT(sum_of_squares);
HWY_EXPORT(add);
HWY_EXPORT(add_columns);

void CpuOperations::rms_norm(int rows, int dim, const float* x, const float* weight, float* out) {
  HWY_DYNAMIC_DISPATCH(rms_norm)(rows, dim, x, weight, out);
}
void CpuOperations::rms_norm_gradient(int rows, int dim, const float* x, const float* weight,
                                      const float* d_out, float* d_x, float* d_weight) {
  HWY_DYNAMIC_DISPATCH(rms_norm_gradient)(rows, dim, x, weight, d_out, d_x, d_weight);
}
void CpuOperations::layer_norm(int rows, int dim, const float* x, const float* weight, const float* bias,
                               float* out) {
  HWY_DYNAMIC_DISPATCH(layer_norm)(rows, dim, x, weight, bias, out);
}
void CpuOperations::layer_norm_gradient(int rows, int dim, const float* x, const float* weight,
                                        const float* d_out, float* d_x, float* d_weight, float* d_bias) {
  HWY_DYNAMIC_DISPATCH(layer_norm_gradient)(rows, dim, x, weight, d_out, d_x, d_weight, d_bias);
}
void CpuOperations::gelu(std::size_t count, const float* x, float* out) {
  HWY_DYNAMIC_DISPATCH(gelu)(count, x, out);
}
void CpuOperations::gelu_gradient(std::size_t count, const float* x, const float* d_out, float* d_x) {
  HWY_DYNAMIC_DISPATCH(gelu_gradient)(count, x, d_out, d_x);
}
void CpuOperations::gate(const GateShape& shape, const float* y_forward, const float* y_backward,
                         const float* z, float* out) {
  HWY_DYNAMIC_DISPATCH(gate)(shape, y_forward, y_backward, z, out);
}
void CpuOperations::gate_sum_gradient(const GateShape& shape, const float* d_out, const float* z,
                                      float* d_sum) {
  HWY_DYNAMIC_DISPATCH(gate_sum_gradient)(shape, d_out, z, d_sum);
}
void CpuOperations::gate_gradient(const GateShape& shape, const float* d_out, const float* y_forward,
                                  const float* y_backward, const float* z, float* out, float* d_z,
                                  double d_weights[2]) {
  HWY_DYNAMIC_DISPATCH(gate_gradient)(shape, d_out, y_forward, y_backward, z, out, d_z, d_weights);
}
void CpuOperations::adam(const Adam& settings, std::size_t count, const float* gradient, float* weight,
                         float* first_moment, float* second_moment, float* average) {
  HWY_DYNAMIC_DISPATCH(adam)(settings, count, gradient, weight, first_moment, second_moment, average);
}
double CpuOperations::sum_of_squares(std::size_t count, const float* values) {
  return HWY_DYNAMIC_DISPATCH(sum_of_squares)(count, values);
}
void CpuOperations::add(std::size_t count, const float* values, float* sum) {
  HWY_DYNAMIC_DISPATCH(add)(count, values, sum);
}
void CpuOperations::add_columns(int rows, int columns, const float* values, float* sums) {
  HWY_DYNAMIC_DISPATCH(add_columns)(rows, columns, values, sums);
}
}  // namespace winnow::train
#endif  // HWY_ONCE
