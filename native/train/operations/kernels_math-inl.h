// What the training kernels share, beside the functions of cpu/kernels_math-inl.h. Included once per
// instruction set.
#if defined(WINNOW_TRAIN_MATH_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef WINNOW_TRAIN_MATH_INL
#undef WINNOW_TRAIN_MATH_INL
#else
#define WINNOW_TRAIN_MATH_INL
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "cpu/kernels_math-inl.h"
#include "train/operations/cpu_operations.h"

HWY_BEFORE_NAMESPACE();
namespace winnow::train::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace math = winnow::cpu::HWY_NAMESPACE;

using Floats = hn::CappedTag<float, 16>;
using V = hn::Vec<Floats>;

// Up to a vector of numbers in memory; what is beyond `count` reads as zero and is not written.
struct Lanes {
  std::size_t count;
  bool whole() const { return count >= hn::Lanes(Floats()); }
  HWY_INLINE V load(const float* from) const {
    if (whole()) return hn::LoadU(Floats(), from);
    HWY_ALIGN float part[16] = {};
    std::copy_n(from, count, part);
    return hn::Load(Floats(), part);
  }
  HWY_INLINE void store(V v, float* to) const {
    if (whole()) return hn::StoreU(v, Floats(), to);
    HWY_ALIGN float part[16];
    hn::Store(v, Floats(), part);
    std::copy_n(part, count, to);
  }
  HWY_INLINE void add(V v, float* to) const { store(hn::Add(load(to), v), to); }
};

// step(first, lanes) for all of `count` numbers.
template <class Step>
HWY_INLINE void for_lanes(std::size_t count, Step step) {
  const std::size_t lanes = hn::Lanes(Floats());
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) step(i, Lanes{lanes});
  if (i < count) step(i, Lanes{count - i});
}

HWY_INLINE V constant(float value) { return hn::Set(Floats(), value); }
HWY_INLINE float total(V v) { return hn::GetLane(hn::SumOfLanes(Floats(), v)); }

// 1 / x: a division goes on beside multiplications, of which an estimate without AVX-512 needs five.
HWY_INLINE V reciprocal(V x) {
#if HWY_TARGET == HWY_AVX3
  return math::reciprocal<math::Exactness::fp32>(Floats(), x);
#else
  return hn::Div(constant(1.0f), x);
#endif
}

HWY_INLINE V sigmoid(V x) {
  const Floats d;
  const V exponent = hn::Min(hn::Mul(x, constant(-math::kLog2E)), constant(126.0f));
  const V e = math::exp2_of_negative(d, exponent);
  return reciprocal(hn::Add(e, constant(1.0f)));
}
HWY_INLINE V silu(V x) { return hn::Mul(x, sigmoid(x)); }
// s (1 + x (1 - s)) of s = sigmoid(x)
HWY_INLINE V silu_slope(V x, V s) {
  return hn::Mul(s, hn::MulAdd(x, hn::Sub(constant(1.0f), s), constant(1.0f)));
}

// Exponentials of `Count` vectors at once go operation by operation: a processor does not look far enough
// ahead to overlap whole ones. The polynomials are those of cpu/kernels_math-inl.h, highest power first.

// q of 2^f = 1 + f q(f) for |f| <= 1/2
constexpr float kExp2[] = {0.0013264723820611835f, 0.009671512991189957f, 0.05550733581185341f,
                           0.24022242426872253f, 0.6931470036506653f};
// p of atanh(s) = s p(s^2) for s <= 1/3
constexpr float kAtanh[] = {0.1400599628686905f, 0.14000901579856873f, 0.2001076340675354f,
                            0.3333320915699005f, 1.0f};

// 2^(n + f) for |f| <= 1/2, with shifted = n + kRound.
template <int Count>
HWY_INLINE void exp2_of_parts(const V* f, const V* n, const V* shifted, V* out) {
  V q[Count];
  for (int i = 0; i < Count; ++i) q[i] = constant(kExp2[0]);
  for (int power = 1; power < 6; ++power)
    for (int i = 0; i < Count; ++i) q[i] = hn::MulAdd(q[i], f[i], constant(power < 5 ? kExp2[power] : 1.0f));
  for (int i = 0; i < Count; ++i) out[i] = math::scale_by_power(Floats(), q[i], n[i], shifted[i]);
}
// 2^(a b) for products from -126 to 127.
template <int Count>
HWY_INLINE void exp2_of_products(V a, const V* b, V* out) {
  V f[Count], n[Count], shifted[Count];
  for (int i = 0; i < Count; ++i) shifted[i] = hn::MulAdd(a, b[i], constant(math::kRound));
  for (int i = 0; i < Count; ++i) n[i] = hn::Sub(shifted[i], constant(math::kRound));
  for (int i = 0; i < Count; ++i) f[i] = hn::MulSub(a, b[i], n[i]);
  exp2_of_parts<Count>(f, n, shifted, out);
}
// 2^x for x <= 0, at least 2^-126.
template <int Count>
HWY_INLINE void exp2_of_negatives(const V* x, V* out) {
  V f[Count], n[Count], shifted[Count];
  for (int i = 0; i < Count; ++i) f[i] = hn::Max(x[i], constant(-126.0f));
  for (int i = 0; i < Count; ++i) shifted[i] = hn::Add(f[i], constant(math::kRound));
  for (int i = 0; i < Count; ++i) n[i] = hn::Sub(shifted[i], constant(math::kRound));
  for (int i = 0; i < Count; ++i) f[i] = hn::Sub(f[i], n[i]);
  exp2_of_parts<Count>(f, n, shifted, out);
}
// math::softplus and, where asked, its slope, the sigmoid.
template <int Count, bool kSlope>
HWY_INLINE void softplus(const V* x, V* out, V* slope) {
  V w[Count], s[Count], t[Count], p[Count];
  for (int i = 0; i < Count; ++i) w[i] = hn::Mul(hn::Abs(x[i]), constant(-math::kLog2E));
  exp2_of_negatives<Count>(w, w);
  if constexpr (kSlope)
    for (int i = 0; i < Count; ++i) {
      const V part = reciprocal(hn::Add(w[i], constant(1.0f)));
      slope[i] = hn::IfThenElse(hn::Lt(x[i], constant(0.0f)), hn::Mul(w[i], part), part);
    }
  for (int i = 0; i < Count; ++i) s[i] = hn::Mul(w[i], reciprocal(hn::Add(w[i], constant(2.0f))));
  for (int i = 0; i < Count; ++i) t[i] = hn::Mul(s[i], s[i]);
  for (int i = 0; i < Count; ++i) p[i] = constant(kAtanh[0]);
  for (int power = 1; power < 5; ++power)
    for (int i = 0; i < Count; ++i) p[i] = hn::MulAdd(p[i], t[i], constant(kAtanh[power]));
  for (int i = 0; i < Count; ++i)
    out[i] = hn::MulAdd(hn::Add(s[i], s[i]), p[i], hn::Max(x[i], constant(0.0f)));
}

}  // namespace winnow::train::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // WINNOW_TRAIN_MATH_INL
