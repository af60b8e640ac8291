#include <algorithm>
#include <cmath>

#include "cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels_rows.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "cpu/kernels_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace winnow::cpu::HWY_NAMESPACE {

using Floats = hn::ScalableTag<float>;

std::int64_t target() { return HWY_TARGET; }

// step(vector offset) for whole vectors, then tail(offset) for the values left over.
template <class Step, class Tail>
HWY_INLINE void for_each(std::size_t n, Step step, Tail tail) {
  const std::size_t lanes = hn::Lanes(Floats());
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) step(i);
  for (; i < n; ++i) tail(i);
}

float sum_of_products(const float* a, const float* b, int n) {
  const Floats d;
  auto sum = hn::Zero(d);
  float rest = 0.0f;
  for_each(
      n, [&](std::size_t i) { sum = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), sum); },
      [&](std::size_t i) { rest += a[i] * b[i]; });
  return hn::GetLane(hn::SumOfLanes(d, sum)) + rest;
}

template <typename Out>
HWY_INLINE void rms_norm_rows(const float* x, const float* weight, float epsilon, int rows, int dim,
                              Out* out) {
  const Floats d;
  const hn::CappedTag<float, 1> one;
  for (int r = 0; r < rows; ++r, x += dim, out += dim) {
    const float scale = 1.0f / std::sqrt(sum_of_products(x, x, dim) / static_cast<float>(dim) + epsilon);
    const auto normalise = [&](auto tag, std::size_t i) {
      const auto scaled = hn::Mul(load(tag, x + i), hn::Set(tag, scale));
      store(tag, hn::Mul(scaled, load(tag, weight + i)), out + i);
    };
    for_each(dim, [&](std::size_t i) { normalise(d, i); }, [&](std::size_t i) { normalise(one, i); });
  }
}
void rms_norm_fp32(const float* x, const float* weight, float epsilon, int rows, int dim, float* out) {
  rms_norm_rows(x, weight, epsilon, rows, dim, out);
}
void rms_norm_bf16(const float* x, const float* weight, float epsilon, int rows, int dim, BFloat16* out) {
  rms_norm_rows(x, weight, epsilon, rows, dim, out);
}

template <typename In>
HWY_INLINE void quantise_rows(const In* x, int rows, int dim, int stride, std::int8_t* q, float* scales) {
  const hn::CappedTag<float, kLanes> d;
  const hn::CappedTag<float, 1> one;
  const std::size_t lanes = hn::Lanes(d), whole = dim / lanes * lanes;
  for (int r = 0; r < rows; ++r, x += stride, q += dim) {
    auto magnitude = hn::Zero(d);
    for (std::size_t i = 0; i < whole; i += lanes) magnitude = hn::Max(magnitude, hn::Abs(load(d, x + i)));
    float largest = hn::GetLane(hn::MaxOfLanes(d, magnitude));
    for (int i = static_cast<int>(whole); i < dim; ++i)
      largest = std::max(largest, std::abs(hn::GetLane(load(one, x + i))));
    scales[r] = largest > 0.0f ? largest / 127.0f : 1.0f;
    const float inverse = 1.0f / scales[r];
    for (std::size_t i = 0; i < whole; i += lanes) {
      const auto rounded = hn::NearestInt(hn::Mul(load(d, x + i), hn::Set(d, inverse)));
#if HWY_TARGET == HWY_AVX3
      const hn::Rebind<std::int8_t, decltype(d)> bytes;
      hn::StoreU(hn::DemoteTo(bytes, rounded), bytes, q + i);
#else
      HWY_ALIGN std::int32_t values[kLanes];
      hn::StoreU(rounded, hn::RebindToSigned<decltype(d)>(), values);
      for (std::size_t lane = 0; lane < lanes; ++lane) q[i + lane] = static_cast<std::int8_t>(values[lane]);
#endif
    }
    for (int i = static_cast<int>(whole); i < dim; ++i)
      q[i] = static_cast<std::int8_t>(std::lrint(hn::GetLane(load(one, x + i)) * inverse));
  }
}
void quantise_fp32(const float* x, int rows, int dim, int stride, std::int8_t* q, float* scales) {
  quantise_rows(x, rows, dim, stride, q, scales);
}
void quantise_bf16(const BFloat16* x, int rows, int dim, int stride, std::int8_t* q, float* scales) {
  quantise_rows(x, rows, dim, stride, q, scales);
}

void add_scaled(const float* x, const float* scales, int rows, int dim, float* sum) {
  const Floats d;
  for (int r = 0; r < rows; ++r, x += dim, sum += dim)
    for_each(
        dim,
        [&](std::size_t i) {
          hn::StoreU(hn::MulAdd(hn::LoadU(d, x + i), hn::Set(d, scales[r]), hn::LoadU(d, sum + i)), d,
                     sum + i);
        },
        [&](std::size_t i) { sum[i] += x[i] * scales[r]; });
}

void layer_norm_rows(const float* x, const float* weight, const float* bias, float epsilon, int rows, int dim,
                     float* out) {
  const Floats d;
  for (int r = 0; r < rows; ++r, x += dim, out += dim) {
    auto sum = hn::Zero(d);
    float rest = 0.0f;
    for_each(
        dim, [&](std::size_t i) { sum = hn::Add(sum, hn::LoadU(d, x + i)); },
        [&](std::size_t i) { rest += x[i]; });
    const float mean = (hn::GetLane(hn::SumOfLanes(d, sum)) + rest) / static_cast<float>(dim);
    const auto centre = hn::Set(d, mean);
    for_each(
        dim, [&](std::size_t i) { hn::StoreU(hn::Sub(hn::LoadU(d, x + i), centre), d, out + i); },
        [&](std::size_t i) { out[i] = x[i] - mean; });
    const float scale = 1.0f / std::sqrt(sum_of_products(out, out, dim) / static_cast<float>(dim) + epsilon);
    for_each(
        dim,
        [&](std::size_t i) {
          const auto scaled = hn::Mul(hn::LoadU(d, out + i), hn::Set(d, scale));
          hn::StoreU(hn::MulAdd(scaled, hn::LoadU(d, weight + i), hn::LoadU(d, bias + i)), d, out + i);
        },
        [&](std::size_t i) { out[i] = out[i] * scale * weight[i] + bias[i]; });
  }
}

void add_to(const float* x, float* sum, int n) {
  const Floats d;
  for_each(
      n, [&](std::size_t i) { hn::StoreU(hn::Add(hn::LoadU(d, sum + i), hn::LoadU(d, x + i)), d, sum + i); },
      [&](std::size_t i) { sum[i] += x[i]; });
}

void gate_sums(const float* x, const float* gates, float epsilon, int rows, int dim, double sums[2]) {
  const Floats d;
  for (int r = 0; r < rows; ++r, x += dim) {
    auto squares = hn::Zero(d), first = squares, second = squares;
    float rest[3] = {};
    for_each(
        dim,
        [&](std::size_t i) {
          const auto v = hn::LoadU(d, x + i);
          squares = hn::MulAdd(v, v, squares);
          first = hn::MulAdd(v, hn::LoadU(d, gates + i), first);
          second = hn::MulAdd(v, hn::LoadU(d, gates + dim + i), second);
        },
        [&](std::size_t i) {
          rest[0] += x[i] * x[i];
          rest[1] += x[i] * gates[i];
          rest[2] += x[i] * gates[dim + i];
        });
    const auto total = [&](auto lanes, float tail) { return hn::GetLane(hn::SumOfLanes(d, lanes)) + tail; };
    const float scale = 1.0f / std::sqrt(total(squares, rest[0]) / static_cast<float>(dim) + epsilon);
    sums[0] += static_cast<double>(total(first, rest[1])) * scale;
    sums[1] += static_cast<double>(total(second, rest[2])) * scale;
  }
}

void rotate(float* x, const float* cosines, const float* sines, int pairs) {
  const Floats d;
  for_each(
      pairs,
      [&](std::size_t i) {
        hn::Vec<Floats> first, second;
        hn::LoadInterleaved2(d, x + 2 * i, first, second);
        const auto cosine = hn::LoadU(d, cosines + i), sine = hn::LoadU(d, sines + i);
        hn::StoreInterleaved2(hn::NegMulAdd(second, sine, hn::Mul(first, cosine)),
                              hn::MulAdd(first, sine, hn::Mul(second, cosine)), d, x + 2 * i);
      },
      [&](std::size_t i) {
        const float first = x[2 * i], second = x[2 * i + 1];
        x[2 * i] = first * cosines[i] - second * sines[i];
        x[2 * i + 1] = second * cosines[i] + first * sines[i];
      });
}

void gelu_in_place(float* x, std::size_t n) {
  const Floats d;
  const hn::CappedTag<float, 1> one;
  for_each(
      n, [&](std::size_t i) { hn::StoreU(gelu(d, hn::LoadU(d, x + i)), d, x + i); },
      [&](std::size_t i) { hn::StoreU(gelu(one, hn::LoadU(one, x + i)), one, x + i); });
}

void relu_in_place(float* x, std::size_t n) {
  const Floats d;
  for_each(
      n, [&](std::size_t i) { hn::StoreU(hn::Max(hn::LoadU(d, x + i), hn::Zero(d)), d, x + i); },
      [&](std::size_t i) { x[i] = std::max(x[i], 0.0f); });
}

int best_index(const float* a, const float* b, float share, int n) {
  const Floats d;
  const hn::RebindToSigned<Floats> indices;
  const int lanes = static_cast<int>(hn::Lanes(d));
  const auto weight = hn::Set(d, share), rest = hn::Set(d, 1.0f - share);
  const auto value = [&](int i) {
    return hn::MulAdd(hn::LoadU(d, a + i), rest, hn::Mul(hn::LoadU(d, b + i), weight));
  };
  float best = (1.0f - share) * a[0] + share * b[0];
  int index = 0, i = 0;
  if (n >= lanes) {
    auto most = value(0);
    auto where = hn::Iota(indices, 0), here = where;
    for (i = lanes; i + lanes <= n; i += lanes) {
      here = hn::Add(here, hn::Set(indices, lanes));
      const auto next = value(i);
      const auto better = hn::Gt(next, most);
      most = hn::IfThenElse(better, next, most);
      where = hn::IfThenElse(hn::RebindMask(indices, better), here, where);
    }
    best = hn::GetLane(hn::MaxOfLanes(d, most));
    const auto among = hn::RebindMask(indices, hn::Eq(most, hn::Set(d, best)));
    index = hn::GetLane(hn::MinOfLanes(indices, hn::IfThenElse(among, where, hn::Set(indices, n))));
  }
  for (; i < n; ++i) {
    const float next = (1.0f - share) * a[i] + share * b[i];
    if (next > best) {
      best = next;
      index = i;
    }
  }
  return index;
}

void normalise_pixels(const std::uint8_t* pixels, const float scale[3], const float shift[3], int n,
                      float* out) {
  for (int c = 0; c < 3; ++c)
    for (int i = 0; i < n; ++i) out[c * n + i] = static_cast<float>(pixels[3 * i + c]) * scale[c] + shift[c];
}

}  // namespace winnow::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace winnow::cpu {

HWY_EXPORT(target);
HWY_EXPORT(sum_of_products);
HWY_EXPORT(rms_norm_fp32);
HWY_EXPORT(rms_norm_bf16);
HWY_EXPORT(quantise_fp32);
HWY_EXPORT(quantise_bf16);
HWY_EXPORT(add_scaled);
HWY_EXPORT(layer_norm_rows);
HWY_EXPORT(add_to);
HWY_EXPORT(gate_sums);
HWY_EXPORT(rotate);
HWY_EXPORT(gelu_in_place);
HWY_EXPORT(relu_in_place);
HWY_EXPORT(best_index);
HWY_EXPORT(normalise_pixels);

std::int64_t kernel_target() { return HWY_DYNAMIC_DISPATCH(target)(); }
float dot(const float* a, const float* b, int n) { return HWY_DYNAMIC_DISPATCH(sum_of_products)(a, b, n); }
void rms_norm(const float* x, const float* weight, float epsilon, int rows, int dim, float* out) {
  HWY_DYNAMIC_DISPATCH(rms_norm_fp32)(x, weight, epsilon, rows, dim, out);
}
void rms_norm(const float* x, const float* weight, float epsilon, int rows, int dim, BFloat16* out) {
  HWY_DYNAMIC_DISPATCH(rms_norm_bf16)(x, weight, epsilon, rows, dim, out);
}
void quantise(const float* x, int rows, int dim, int stride, std::int8_t* q, float* scales) {
  HWY_DYNAMIC_DISPATCH(quantise_fp32)(x, rows, dim, stride, q, scales);
}
void quantise(const BFloat16* x, int rows, int dim, int stride, std::int8_t* q, float* scales) {
  HWY_DYNAMIC_DISPATCH(quantise_bf16)(x, rows, dim, stride, q, scales);
}
void add_scaled_rows(const float* x, const float* scales, int rows, int dim, float* sum) {
  HWY_DYNAMIC_DISPATCH(add_scaled)(x, scales, rows, dim, sum);
}
void layer_norm(const float* x, const float* weight, const float* bias, float epsilon, int rows, int dim,
                float* out) {
  HWY_DYNAMIC_DISPATCH(layer_norm_rows)(x, weight, bias, epsilon, rows, dim, out);
}
void add(const float* x, float* sum, int n) { HWY_DYNAMIC_DISPATCH(add_to)(x, sum, n); }
void add_gate_sums(const float* x, const float* gates, float epsilon, int rows, int dim, double sums[2]) {
  HWY_DYNAMIC_DISPATCH(gate_sums)(x, gates, epsilon, rows, dim, sums);
}
void rotate_pairs(float* x, const float* cosines, const float* sines, int pairs) {
  HWY_DYNAMIC_DISPATCH(rotate)(x, cosines, sines, pairs);
}
void gelu(float* x, std::size_t n) { HWY_DYNAMIC_DISPATCH(gelu_in_place)(x, n); }
void relu(float* x, std::size_t n) { HWY_DYNAMIC_DISPATCH(relu_in_place)(x, n); }
int best_between(const float* a, const float* b, float share, int n) {
  return HWY_DYNAMIC_DISPATCH(best_index)(a, b, share, n);
}
void normalise(const std::uint8_t* pixels, const float scale[3], const float shift[3], int n, float* out) {
  HWY_DYNAMIC_DISPATCH(normalise_pixels)(pixels, scale, shift, n, out);
}

}  // namespace winnow::cpu
#endif  // HWY_ONCE
