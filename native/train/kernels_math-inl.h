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
#include "train/kernels.h"

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

}  // namespace winnow::train::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // WINNOW_TRAIN_MATH_INL
