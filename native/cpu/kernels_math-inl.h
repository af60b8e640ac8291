// Elementary functions in fp32 vectors, to about 1e-7 relative. Included once per instruction set.
#if defined(WINNOW_KERNELS_MATH_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef WINNOW_KERNELS_MATH_INL
#undef WINNOW_KERNELS_MATH_INL
#else
#define WINNOW_KERNELS_MATH_INL
#endif

#include <hwy/highway.h>

#include <type_traits>

#include "cpu/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace winnow::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class D>
using Vector = hn::Vec<D>;

// A vector of fp32 numbers from and to memory that holds them as fp32 or bf16.
template <class D, class V = Vector<D>>
HWY_INLINE V load(D d, const float* from) {
  return hn::LoadU(d, from);
}
template <class D, class V = Vector<D>>
HWY_INLINE V load(D d, const BFloat16* from) {
  const hn::Rebind<std::uint16_t, D> half;
  const hn::RebindToUnsigned<D> whole;
  const auto bits = hn::LoadU(half, reinterpret_cast<const std::uint16_t*>(from));
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(whole, bits)));
}
template <class D, class V = Vector<D>>
HWY_INLINE void store(D d, V v, float* to) {
  hn::StoreU(v, d, to);
}
template <class D, class V = Vector<D>>
HWY_INLINE void store(D d, V v, BFloat16* to) {
  const hn::RebindToUnsigned<D> whole;
  const auto bits = hn::BitCast(whole, v);
  const auto rounded = hn::ShiftRight<16>(hn::Add(bits, hn::Set(whole, 0x8000u)));
#if HWY_TARGET == HWY_AVX3
  hn::StoreU(hn::TruncateTo(hn::Rebind<std::uint16_t, D>(), rounded), hn::Rebind<std::uint16_t, D>(),
             reinterpret_cast<std::uint16_t*>(to));
#else
  HWY_ALIGN std::uint32_t lanes[kLanes];
  hn::StoreU(rounded, whole, lanes);
  for (std::size_t i = 0; i < hn::Lanes(d); ++i) to[i].bits = static_cast<std::uint16_t>(lanes[i]);
#endif
}

constexpr float kLog2E = 1.44269504088896340736f;

// How exact an exponential is: to a relative error of 9e-8, or of 1e-4 for numbers that bf16 has rounded
// anyway.
enum class Exactness { fp32, bf16 };

template <typename T>
inline constexpr Exactness kExactness = std::is_same_v<T, float> ? Exactness::fp32 : Exactness::bf16;

constexpr float kRound = 12582912.0f;  // 1.5 2^23: adding it leaves a whole number in the low mantissa bits

// x 2^n for x from 1/2 to 2 and whole n from -126 to 127, with `shifted` = n + kRound.
template <class D, class V = Vector<D>>
HWY_INLINE V scale_by_power(D d, V x, V n, V shifted) {
#if HWY_TARGET == HWY_AVX3
  if constexpr (std::is_same_v<V, Vector<hn::CappedTag<float, 16>>>) {
    (void)shifted;
    return V{_mm512_scalef_ps(x.raw, n.raw)};
  }
#endif
  (void)n;  // it goes into the exponent from the low mantissa bits of `shifted`
  const hn::RebindToSigned<D> di;
  return hn::BitCast(d, hn::Add(hn::BitCast(di, x), hn::ShiftLeft<23>(hn::BitCast(di, shifted))));
}

// 2^(n + f) for |f| <= 1/2, with `shifted` = n + kRound: 2^f = 1 + f q(f) with a minimax q.
template <Exactness exactness, class D, class V = Vector<D>>
HWY_INLINE V exp2_of_parts(D d, V f, V n, V shifted) {
  V q;
  if constexpr (exactness == Exactness::fp32) {
    q = hn::Set(d, 0.0013264723820611835f);
    q = hn::MulAdd(q, f, hn::Set(d, 0.009671512991189957f));
    q = hn::MulAdd(q, f, hn::Set(d, 0.05550733581185341f));
    q = hn::MulAdd(q, f, hn::Set(d, 0.24022242426872253f));
    q = hn::MulAdd(q, f, hn::Set(d, 0.6931470036506653f));
  } else {
    q = hn::Set(d, 0.055008914321660995f);
    q = hn::MulAdd(q, f, hn::Set(d, 0.2422109693288803f));
    q = hn::MulAdd(q, f, hn::Set(d, 0.6932829022407532f));
  }
  return scale_by_power<D>(d, hn::MulAdd(q, f, hn::Set(d, 1.0f)), n, shifted);
}

// 2^(a b) for a product from -126 to 127.
template <Exactness exactness = Exactness::fp32, class D, class V = Vector<D>>
HWY_INLINE V exp2_of_product(D d, V a, V b) {
  const V shifted = hn::MulAdd(a, b, hn::Set(d, kRound));
  const V n = hn::Sub(shifted, hn::Set(d, kRound));
  return exp2_of_parts<exactness>(d, hn::MulSub(a, b, n), n, shifted);
}

// 2^x for x <= 0, at least 2^-126.
template <Exactness exactness = Exactness::fp32, class D, class V = Vector<D>>
HWY_INLINE V exp2_of_negative(D d, V x) {
  const V clamped = hn::Max(x, hn::Set(d, -126.0f));
  const V shifted = hn::Add(clamped, hn::Set(d, kRound));
  const V n = hn::Sub(shifted, hn::Set(d, kRound));
  return exp2_of_parts<exactness>(d, hn::Sub(clamped, n), n, shifted);
}

// 1 / x: the processor's estimate (14 bits on AVX-512, 11 on others) and Newton steps, each doubling the
// bits.
template <Exactness exactness, class D, class V = Vector<D>>
HWY_INLINE V reciprocal(D d, V x) {
  constexpr int kSteps = exactness == Exactness::fp32 && HWY_TARGET != HWY_AVX3 ? 2 : 1;
  V r = hn::ApproximateReciprocal(x);
  for (int step = 0; step < kSteps; ++step) r = hn::MulAdd(r, hn::NegMulAdd(x, r, hn::Set(d, 1.0f)), r);
  return r;
}

// x / (1 + exp(-x)).
template <Exactness exactness = Exactness::fp32, class D, class V = Vector<D>>
HWY_INLINE V silu(D d, V x) {
  // Beyond exp(-x) = 2^126 the result is smaller than any normal number.
  const V exponent = hn::Min(hn::Mul(x, hn::Set(d, -kLog2E)), hn::Set(d, 126.0f));
  const V e = exp2_of_negative<exactness>(d, exponent);
  return hn::Mul(x, reciprocal<exactness>(d, hn::Add(e, hn::Set(d, 1.0f))));
}

// log(1 + exp(x)) = max(x, 0) + log1p(w) with w = exp(-|x|); log1p(w) = 2 atanh(w / (2 + w)), a series in the
// square of its argument (at most 1/9), minimax (relative error 5e-9, or 2e-5).
template <Exactness exactness = Exactness::fp32, class D, class V = Vector<D>>
HWY_INLINE V softplus(D d, V x) {
  const V w = exp2_of_negative<exactness>(d, hn::Mul(hn::Abs(x), hn::Set(d, -kLog2E)));
  const V s = hn::Mul(w, reciprocal<exactness>(d, hn::Add(w, hn::Set(d, 2.0f))));
  const V t = hn::Mul(s, s);
  V p;
  if constexpr (exactness == Exactness::fp32) {
    p = hn::Set(d, 0.1400599628686905f);
    p = hn::MulAdd(p, t, hn::Set(d, 0.14000901579856873f));
    p = hn::MulAdd(p, t, hn::Set(d, 0.2001076340675354f));
    p = hn::MulAdd(p, t, hn::Set(d, 0.3333320915699005f));
    p = hn::MulAdd(p, t, hn::Set(d, 1.0f));
  } else {
    p = hn::Set(d, 0.22447232f);
    p = hn::MulAdd(p, t, hn::Set(d, 0.33246305f));
    p = hn::MulAdd(p, t, hn::Set(d, 1.0f));
  }
  return hn::MulAdd(hn::Add(s, s), p, hn::Max(x, hn::Zero(d)));
}

// x Phi(x) = x (1 + erf(x / sqrt 2)) / 2 with Abramowitz and Stegun's 7.1.26 (absolute error of erf 1.5e-7).
template <class D, class V = Vector<D>>
HWY_INLINE V gelu(D d, V x) {
  const V a = hn::Mul(hn::Abs(x), hn::Set(d, 0.70710678118654752f));
  const V t = reciprocal<Exactness::fp32>(d, hn::MulAdd(a, hn::Set(d, 0.3275911f), hn::Set(d, 1.0f)));
  V p = hn::Set(d, 1.061405429f);
  p = hn::MulAdd(p, t, hn::Set(d, -1.453152027f));
  p = hn::MulAdd(p, t, hn::Set(d, 1.421413741f));
  p = hn::MulAdd(p, t, hn::Set(d, -0.284496736f));
  p = hn::MulAdd(p, t, hn::Set(d, 0.254829592f));
  const V tail = hn::Mul(hn::Mul(p, t), exp2_of_negative(d, hn::Mul(hn::Mul(a, a), hn::Set(d, -kLog2E))));
  const V half = hn::Mul(x, hn::Set(d, 0.5f));  // erf(|x| / sqrt 2) = 1 - tail
  const V erf = hn::CopySign(hn::Sub(hn::Set(d, 1.0f), tail), x);
  return hn::MulAdd(half, erf, half);
}

}  // namespace winnow::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // WINNOW_KERNELS_MATH_INL
