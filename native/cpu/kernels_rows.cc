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

void rms_norm_rows(const float* x, const float* weight, float epsilon, int rows, int dim, float* out) {
  const Floats d;
  for (int r = 0; r < rows; ++r, x += dim, out += dim) {
    const float scale = 1.0f / std::sqrt(sum_of_products(x, x, dim) / static_cast<float>(dim) + epsilon);
    for_each(
        dim,
        [&](std::size_t i) {
          hn::StoreU(hn::Mul(hn::Mul(hn::LoadU(d, x + i), hn::Set(d, scale)), hn::LoadU(d, weight + i)), d,
                     out + i);
        },
        [&](std::size_t i) { out[i] = x[i] * scale * weight[i]; });
  }
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

void gelu_in_place(float* x, std::size_t n) {
  const Floats d;
  const hn::CappedTag<float, 1> one;
  for_each(
      n, [&](std::size_t i) { hn::StoreU(gelu(d, hn::LoadU(d, x + i)), d, x + i); },
      [&](std::size_t i) { hn::StoreU(gelu(one, hn::LoadU(one, x + i)), one, x + i); });
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
HWY_EXPORT(rms_norm_rows);
HWY_EXPORT(layer_norm_rows);
HWY_EXPORT(add_to);
HWY_EXPORT(gelu_in_place);
HWY_EXPORT(normalise_pixels);

std::int64_t kernel_target() { return HWY_DYNAMIC_DISPATCH(target)(); }
float dot(const float* a, const float* b, int n) { return HWY_DYNAMIC_DISPATCH(sum_of_products)(a, b, n); }
void rms_norm(const float* x, const float* weight, float epsilon, int rows, int dim, float* out) {
  HWY_DYNAMIC_DISPATCH(rms_norm_rows)(x, weight, epsilon, rows, dim, out);
}
void layer_norm(const float* x, const float* weight, const float* bias, float epsilon, int rows, int dim,
                float* out) {
  HWY_DYNAMIC_DISPATCH(layer_norm_rows)(x, weight, bias, epsilon, rows, dim, out);
}
void add(const float* x, float* sum, int n) { HWY_DYNAMIC_DISPATCH(add_to)(x, sum, n); }
void gelu(float* x, std::size_t n) { HWY_DYNAMIC_DISPATCH(gelu_in_place)(x, n); }
void normalise(const std::uint8_t* pixels, const float scale[3], const float shift[3], int n, float* out) {
  HWY_DYNAMIC_DISPATCH(normalise_pixels)(pixels, scale, shift, n, out);
}

}  // namespace winnow::cpu
#endif  // HWY_ONCE
