#include "train/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "train/kernels_convolution.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "train/kernels_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace winnow::train::HWY_NAMESPACE {

// SiLU's argument at token t, for the channels of `lanes` from e on.
HWY_INLINE V convolution_sum(const ConvolutionShape& s, const float* x, const float* taps, const float* bias,
                             int t, std::size_t e, Lanes lanes) {
  V sum = lanes.load(bias + e);
  for (int k = 0; k < s.width; ++k) {
    const int back = s.width - 1 - k, token = s.backward ? t + back : t - back;
    if (token < 0 || token >= s.live) continue;
    sum = hn::MulAdd(lanes.load(taps + static_cast<std::size_t>(k) * s.channels + e),
                     lanes.load(x + static_cast<std::size_t>(token) * s.x_stride + e), sum);
  }
  return sum;
}

void convolve(const ConvolutionShape& s, const float* x, const float* taps, const float* bias, float* u) {
  for (int t = 0; t < s.live; ++t)
    for_lanes(s.channels, [&](std::size_t e, Lanes lanes) {
      lanes.store(math::silu(Floats(), convolution_sum(s, x, taps, bias, t, e, lanes)),
                  u + static_cast<std::size_t>(t) * s.channels + e);
    });
  std::fill(u + static_cast<std::size_t>(s.live) * s.channels,
            u + static_cast<std::size_t>(s.tokens) * s.channels, 0.0f);
}

void convolve_gradient(const ConvolutionShape& s, const float* x, const float* taps, const float* bias,
                       float* d_u, float* d_x, float* d_taps, float* d_bias, float* d_mask) {
  for_lanes(s.channels, [&](std::size_t e, Lanes lanes) {
    const auto row = [&](float* rows, int t) { return rows + static_cast<std::size_t>(t) * s.channels + e; };
    V bias_sum = constant(0.0f);
    // d_u becomes the gradient of SiLU's argument.
    for (int t = 0; t < s.tokens; ++t) {
      if (t >= s.live && d_mask == nullptr) break;
      const V sum = convolution_sum(s, x, taps, bias, t, e, lanes), d = lanes.load(row(d_u, t)),
              open = sigmoid(sum);
      if (d_mask != nullptr) d_mask[t] += total(hn::Mul(d, hn::Mul(sum, open)));
      if (t >= s.live) continue;
      const V d_sum = hn::Mul(d, silu_slope(sum, open));
      lanes.store(d_sum, row(d_u, t));
      bias_sum = hn::Add(bias_sum, d_sum);
    }
    lanes.add(bias_sum, d_bias + e);
    for (int k = 0; k < s.width; ++k) {
      const int back = s.width - 1 - k, apart = s.backward ? back : -back;
      V tap_sum = constant(0.0f);
      for (int t = std::max(0, -apart); t < std::min(s.live, s.live - apart); ++t)
        tap_sum = hn::MulAdd(lanes.load(row(d_u, t)),
                             lanes.load(x + static_cast<std::size_t>(t + apart) * s.x_stride + e), tap_sum);
      lanes.add(tap_sum, d_taps + static_cast<std::size_t>(k) * s.channels + e);
    }
    // Token `t` is tap k of the live token that comes `back` later in the direction.
    const int reached = d_mask != nullptr ? std::min(s.tokens, s.live + s.width - 1) : s.live;
    for (int t = 0; t < reached; ++t) {
      V d = constant(0.0f);
      for (int k = 0; k < s.width; ++k) {
        const int back = s.width - 1 - k, user = s.backward ? t - back : t + back;
        if (user < 0 || user >= s.live) continue;
        d = hn::MulAdd(lanes.load(taps + static_cast<std::size_t>(k) * s.channels + e),
                       lanes.load(row(d_u, user)), d);
      }
      const std::size_t place = static_cast<std::size_t>(t) * s.x_stride + e;
      if (t < s.live) lanes.add(d, d_x + place);
      if (d_mask != nullptr) d_mask[t] += total(hn::Mul(d, lanes.load(x + place)));
    }
  });
}

}  // namespace winnow::train::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace winnow::train {

HWY_EXPORT(convolve);
HWY_EXPORT(convolve_gradient);

namespace kernels {

void convolve(const ConvolutionShape& shape, const float* x, const float* taps, const float* bias, float* u) {
  HWY_DYNAMIC_DISPATCH(convolve)(shape, x, taps, bias, u);
}
void convolve_gradient(const ConvolutionShape& shape, const float* x, const float* taps, const float* bias,
                       float* d_u, float* d_x, float* d_taps, float* d_bias, float* d_mask) {
  HWY_DYNAMIC_DISPATCH(convolve_gradient)(shape, x, taps, bias, d_u, d_x, d_taps, d_bias, d_mask);
}

}  // namespace kernels
}  // namespace winnow::train
#endif  // HWY_ONCE
