#include "cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels_maps.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "cpu/kernels_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace winnow::cpu::HWY_NAMESPACE {

using Floats = hn::ScalableTag<float>;
using One = hn::CappedTag<float, 1>;

// `kVectors` vectors of channels from `first` on, summed in registers.
template <int kVectors, class D>
HWY_INLINE void sum_channels(D d, const Term* terms, int count, int first, bool add, float* out) {
  const int lanes = static_cast<int>(hn::Lanes(d));
  const auto start = [&](int v) { return add ? hn::LoadU(d, out + first + v * lanes) : hn::Zero(d); };
  auto a = start(0);
  auto b = kVectors > 1 ? start(1) : a, c = kVectors > 1 ? start(2) : a, e = kVectors > 1 ? start(3) : a;
  for (int i = 0; i < count; ++i) {
    const float* pixel = terms[i].pixel + first;
    const auto weight = hn::Set(d, terms[i].weight);
    a = hn::MulAdd(weight, hn::LoadU(d, pixel), a);
    if (kVectors == 1) continue;
    b = hn::MulAdd(weight, hn::LoadU(d, pixel + lanes), b);
    c = hn::MulAdd(weight, hn::LoadU(d, pixel + 2 * lanes), c);
    e = hn::MulAdd(weight, hn::LoadU(d, pixel + 3 * lanes), e);
  }
  hn::StoreU(a, d, out + first);
  if (kVectors == 1) return;
  hn::StoreU(b, d, out + first + lanes);
  hn::StoreU(c, d, out + first + 2 * lanes);
  hn::StoreU(e, d, out + first + 3 * lanes);
}

void sum_terms(const Term* terms, int count, int channels, bool add, float* out) {
  const Floats d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  int i = 0;
  for (; i + 4 * lanes <= channels; i += 4 * lanes) sum_channels<4>(d, terms, count, i, add, out);
  for (; i + lanes <= channels; i += lanes) sum_channels<1>(d, terms, count, i, add, out);
  for (; i < channels; ++i) sum_channels<1>(One(), terms, count, i, add, out);
}

void largest_of_four(const float* const pixels[4], int channels, float* out) {
  const Floats d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  const auto step = [&](auto tag, int i) {
    const auto upper = hn::Max(hn::LoadU(tag, pixels[0] + i), hn::LoadU(tag, pixels[1] + i));
    const auto lower = hn::Max(hn::LoadU(tag, pixels[2] + i), hn::LoadU(tag, pixels[3] + i));
    hn::StoreU(hn::Max(upper, lower), tag, out + i);
  };
  int i = 0;
  for (; i + lanes <= channels; i += lanes) step(d, i);
  for (; i < channels; ++i) step(One(), i);
}

void round_values(const float* x, std::size_t n, BFloat16* out) {
  const hn::CappedTag<float, kLanes> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) store(d, hn::LoadU(d, x + i), out + i);
  for (; i < n; ++i) store(One(), hn::LoadU(One(), x + i), out + i);
}

}  // namespace winnow::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace winnow::cpu {

HWY_EXPORT(sum_terms);
HWY_EXPORT(largest_of_four);
HWY_EXPORT(round_values);

void weighted_sum(const Term* terms, int count, int channels, bool add, float* out) {
  HWY_DYNAMIC_DISPATCH(sum_terms)(terms, count, channels, add, out);
}
void largest(const float* const pixels[4], int channels, float* out) {
  HWY_DYNAMIC_DISPATCH(largest_of_four)(pixels, channels, out);
}
void round_to_bf16(const float* x, std::size_t n, BFloat16* out) {
  HWY_DYNAMIC_DISPATCH(round_values)(x, n, out);
}

}  // namespace winnow::cpu
#endif  // HWY_ONCE
