#include "train/operations/cpu_operations.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "train/operations/kernels_convolution.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "train/operations/kernels_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace winnow::train::HWY_NAMESPACE {

// --- Four taps, as all published models have ---
//
// Groups of tokens share the loads of their rows and taps. Rows that count as zero are read from a row of
// zeros, so that the sequence's ends need no code of their own.

constexpr int kTaps = 4;
constexpr int kGroup = 4;  // tokens
constexpr int kRows = kGroup + kTaps - 1;

// kRows rows of [tokens, stride] from `first` on; those outside `begin` <= row < `end` are zeros.
class Window {
 public:
  HWY_INLINE Window(const float* rows, int stride, int first, int begin, int end) {
    static constexpr float kZeros[16] = {};
    for (int i = 0; i < kRows; ++i) {
      const bool inside = first + i >= begin && first + i < end;
      rows_[i] = inside ? rows + static_cast<std::ptrdiff_t>(first + i) * stride : kZeros;
      mask_[i] = inside ? ~std::size_t{0} : 0;
    }
  }
  HWY_INLINE V load(int i, std::size_t e, Lanes lanes) const { return lanes.load(rows_[i] + (e & mask_[i])); }

 private:
  const float* rows_[kRows];
  std::size_t mask_[kRows];
};

// Tap m of a direction's window, in the order of its rows.
HWY_INLINE std::size_t tap_offset(const ConvolutionShape& s, int m) {
  return static_cast<std::size_t>(s.backward ? kTaps - 1 - m : m) * s.channels;
}

void convolve_four(const ConvolutionShape& s, const float* x, const float* taps, const float* bias,
                   float* u) {
  for (int t = 0; t < s.live; t += kGroup) {
    const Window window(x, s.x_stride, s.backward ? t : t - (kTaps - 1), 0, s.live);
    const int count = std::min(kGroup, s.live - t);
    for_lanes(s.channels, [&](std::size_t e, Lanes lanes) {
      V rows[kRows], sums[kGroup];
      for (int i = 0; i < kRows; ++i) rows[i] = window.load(i, e, lanes);
      for (V& sum : sums) sum = lanes.load(bias + e);
      for (int m = 0; m < kTaps; ++m) {
        const V tap = lanes.load(taps + tap_offset(s, m) + e);
        for (int j = 0; j < kGroup; ++j) sums[j] = hn::MulAdd(tap, rows[j + m], sums[j]);
      }
      for (V& sum : sums) sum = silu(sum);
      for (int j = 0; j < count; ++j)
        lanes.store(sums[j], u + static_cast<std::size_t>(t + j) * s.channels + e);
    });
  }
}

// Groups go against the direction, so that those that use a group's tokens have the gradients of their sums.
template <bool kMasked>
HWY_INLINE void convolve_four_gradient(const ConvolutionShape& s, const float* x, const float* taps,
                                       const float* bias, float* d_u, float* d_x, float* d_taps,
                                       float* d_bias, float* d_mask) {
  const int end = kMasked ? s.tokens : s.live, groups = (end + kGroup - 1) / kGroup;
  for (int index = 0; index < groups; ++index) {
    const int t = (s.backward ? index : groups - 1 - index) * kGroup, count = std::min(kGroup, end - t);
    const int own = s.backward ? kTaps - 1 : 0;  // first of the group's own rows among those of d_u
    const Window window(x, s.x_stride, s.backward ? t : t - (kTaps - 1), 0, s.live),
        d_window(d_u, s.channels, t - own, 0, end);
    V d_masks[kGroup];
    if constexpr (kMasked)
      for (V& d : d_masks) d = constant(0.0f);
    for_lanes(s.channels, [&](std::size_t e, Lanes lanes) {
      V rows[kRows], d_rows[kRows], w[kTaps];
      for (int i = 0; i < kRows; ++i) rows[i] = window.load(i, e, lanes);
      for (int i = 0; i < kRows; ++i) d_rows[i] = d_window.load(i, e, lanes);
      for (int m = 0; m < kTaps; ++m) w[m] = lanes.load(taps + tap_offset(s, m) + e);
      // d_rows become the gradients of SiLU's arguments.
      V d_sum = constant(0.0f);
      for (int j = 0; j < kGroup; ++j) {
        V sum = lanes.load(bias + e), &d = d_rows[own + j];
        for (int m = 0; m < kTaps; ++m) sum = hn::MulAdd(w[m], rows[j + m], sum);
        const V open = sigmoid(sum);
        if constexpr (kMasked) d_masks[j] = hn::MulAdd(d, hn::Mul(sum, open), d_masks[j]);
        d = !kMasked || t + j < s.live ? hn::Mul(d, silu_slope(sum, open)) : constant(0.0f);
        d_sum = hn::Add(d_sum, d);
      }
      lanes.add(d_sum, d_bias + e);
      for (int m = 0; m < kTaps; ++m) {
        V d_tap = hn::Mul(d_rows[own], rows[m]);
        for (int j = 1; j < kGroup; ++j) d_tap = hn::MulAdd(d_rows[own + j], rows[j + m], d_tap);
        lanes.add(d_tap, d_taps + tap_offset(s, m) + e);
      }
      for (int j = 0; j < count; ++j) {
        V d = hn::Mul(w[kTaps - 1], d_rows[j]);
        for (int m = 1; m < kTaps; ++m) d = hn::MulAdd(w[kTaps - 1 - m], d_rows[j + m], d);
        const std::size_t token = t + j, offset = token * s.x_stride + e;
        lanes.store(d_rows[own + j], d_u + token * s.channels + e);
        if constexpr (kMasked) d_masks[j] = hn::MulAdd(d, lanes.load(x + offset), d_masks[j]);
        if (!kMasked || t + j < s.live) lanes.add(d, d_x + offset);
      }
    });
    if constexpr (kMasked)
      for (int j = 0; j < count; ++j) d_mask[t + j] += total(d_masks[j]);
  }
}

// --- Any number of taps ---

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
  if (s.width == kTaps)
    convolve_four(s, x, taps, bias, u);
  else
    for (int t = 0; t < s.live; ++t)
      for_lanes(s.channels, [&](std::size_t e, Lanes lanes) {
        lanes.store(silu(convolution_sum(s, x, taps, bias, t, e, lanes)),
                    u + static_cast<std::size_t>(t) * s.channels + e);
      });
  std::fill(u + static_cast<std::size_t>(s.live) * s.channels,
            u + static_cast<std::size_t>(s.tokens) * s.channels, 0.0f);
}

void convolve_gradient(const ConvolutionShape& s, const float* x, const float* taps, const float* bias,
                       float* d_u, float* d_x, float* d_taps, float* d_bias, float* d_mask) {
  if (s.width == kTaps)
    return d_mask != nullptr
               ? convolve_four_gradient<true>(s, x, taps, bias, d_u, d_x, d_taps, d_bias, d_mask)
               : convolve_four_gradient<false>(s, x, taps, bias, d_u, d_x, d_taps, d_bias, d_mask);
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
      const std::size_t offset = static_cast<std::size_t>(t) * s.x_stride + e;
      if (t < s.live) lanes.add(d, d_x + offset);
      if (d_mask != nullptr) d_mask[t] += total(hn::Mul(d, lanes.load(x + offset)));
    }
  });
}

}  // namespace winnow::train::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace winnow::train {

HWY_EXPORT(convolve);
HWY_EXPORT(convolve_gradient);

void CpuOperations::convolve(const ConvolutionShape& shape, const float* x, const float* taps,
                             const float* bias, float* u) {
  HWY_DYNAMIC_DISPATCH(convolve)(shape, x, taps, bias, u);
}
void CpuOperations::convolve_gradient(const ConvolutionShape& shape, const float* x, const float* taps,
                                      const float* bias, float* d_u, float* d_x, float* d_taps, float* d_bias,
                                      float* d_mask) {
  HWY_DYNAMIC_DISPATCH(convolve_gradient)(shape, x, taps, bias, d_u, d_x, d_taps, d_bias, d_mask);
}
}  // namespace winnow::train
#endif  // HWY_ONCE
