#include "cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels_scan.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "cpu/kernels_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace winnow::cpu::HWY_NAMESPACE {

using Channels = hn::CappedTag<float, kLanes>;
using V = Vector<Channels>;

constexpr int kTokenTile = 8;  // tokens whose step sizes share one pass over dt_weight
// States of a channel that stay in registers over a token tile: half of the registers, the rest is for their
// updates.
constexpr int kStateGroup = HWY_TARGET == HWY_AVX3 ? 16 : 8;

// Row of the step: the sequence from its start, or from its end.
HWY_INLINE int row_of(int step, int tokens, bool backward) { return backward ? tokens - 1 - step : step; }

void convolve_rows(const ScanParameters& p, const float* x, int tokens, int begin, int end, bool backward,
                   float* u) {
  const Channels d;
  const int lanes = static_cast<int>(hn::Lanes(d)), towards = backward ? 1 : -1;
  for (int e = 0; e < p.stride; e += lanes) {
    const V bias = hn::LoadU(d, p.conv_bias + e);
    const float* weight = p.conv_weight + table_place(e, p.conv_width);
    for (int t = begin; t < end; ++t) {
      V sum = bias;
      for (int k = 0; k < p.conv_width; ++k) {
        const int source = t + towards * (p.conv_width - 1 - k);
        if (source < 0 || source >= tokens) continue;
        sum = hn::MulAdd(hn::LoadU(d, weight + k * kLanes),
                         hn::LoadU(d, x + static_cast<std::size_t>(source) * p.stride + e), sum);
      }
      hn::StoreU(silu(d, sum), d, u + static_cast<std::size_t>(t) * p.stride + e);
    }
  }
}

// What one token of the tile brings to the states of one vector of channels.
struct Step {
  const float* projected;  // dt, B, C of the token
  V delta, input;          // delta, delta u
  V y;
};

// delta = softplus(dt_weight dt + dt_bias) for `count` tokens of the tile, channels e and on.
HWY_INLINE void step_sizes(const ScanParameters& p, int e, int count, Step* steps) {
  const Channels d;
  const float* weights = p.dt_weight + table_place(e, p.dt_rank);
  V sums[kTokenTile];
  for (int i = 0; i < kTokenTile; ++i) sums[i] = hn::LoadU(d, p.dt_bias + e);
  if (count == kTokenTile) {
    for (int r = 0; r < p.dt_rank; ++r) {
      const V weight = hn::LoadU(d, weights + r * kLanes);
      for (int i = 0; i < kTokenTile; ++i)
        sums[i] = hn::MulAdd(weight, hn::Set(d, steps[i].projected[r]), sums[i]);
    }
  } else {
    for (int i = 0; i < count; ++i)
      for (int r = 0; r < p.dt_rank; ++r)
        sums[i] = hn::MulAdd(hn::LoadU(d, weights + r * kLanes), hn::Set(d, steps[i].projected[r]), sums[i]);
  }
  for (int i = 0; i < count; ++i) steps[i].delta = softplus(d, sums[i]);
}

// Advances `Group` states of one vector of channels over the tile: h = exp2(delta decay) h + input B; y += C
// h.
template <int Group>
HWY_INLINE void advance(const ScanParameters& p, int e, int first_state, int count, Step* steps,
                        float* states) {
  const Channels d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  V h[Group];
  for (int n = 0; n < Group; ++n) h[n] = hn::LoadU(d, states + (first_state + n) * lanes);
  const float* decay = p.decay + table_place(e, p.state_dim) + first_state * kLanes;
  for (int i = 0; i < count; ++i) {
    const float* input_matrix = steps[i].projected + p.dt_rank + first_state;
    const float* output_matrix = input_matrix + p.state_dim;
    const V delta = steps[i].delta, input = steps[i].input;
    V y = steps[i].y;
    HWY_UNROLL(16)
    for (int n = 0; n < Group; ++n) {
      const V kept = exp2_of_negative(d, hn::Mul(delta, hn::LoadU(d, decay + n * kLanes)));
      h[n] = hn::MulAdd(kept, h[n], hn::Mul(input, hn::Set(d, input_matrix[n])));
      y = hn::MulAdd(hn::Set(d, output_matrix[n]), h[n], y);
    }
    steps[i].y = y;
  }
  for (int n = 0; n < Group; ++n) hn::StoreU(h[n], d, states + (first_state + n) * lanes);
}

void scan_channels(const ScanParameters& p, const float* u, const float* projected, int tokens, bool backward,
                   int begin, int end, bool accumulate, const float* z, float* y) {
  const Channels d;
  const int lanes = static_cast<int>(hn::Lanes(d)), width = p.dt_rank + 2 * p.state_dim;
  HWY_ALIGN float states[kMaxStates * kLanes];
  Step steps[kTokenTile];
  for (int e = begin; e < end; e += lanes) {
    std::fill_n(states, p.state_dim * lanes, 0.0f);
    const V skip = hn::LoadU(d, p.d + e);
    for (int first = 0; first < tokens; first += kTokenTile) {
      const int count = std::min(kTokenTile, tokens - first);
      for (int i = 0; i < count; ++i)
        steps[i].projected =
            projected + static_cast<std::size_t>(row_of(first + i, tokens, backward)) * width;
      step_sizes(p, e, count, steps);
      for (int i = 0; i < count; ++i) {
        const V input =
            hn::LoadU(d, u + static_cast<std::size_t>(row_of(first + i, tokens, backward)) * p.stride + e);
        steps[i].input = hn::Mul(steps[i].delta, input);
        steps[i].y = hn::Mul(skip, input);
      }
      int state = 0;
      for (; state + kStateGroup <= p.state_dim; state += kStateGroup)
        advance<kStateGroup>(p, e, state, count, steps, states);
      for (; state < p.state_dim; ++state) advance<1>(p, e, state, count, steps, states);
      for (int i = 0; i < count; ++i) {
        const std::size_t at = static_cast<std::size_t>(row_of(first + i, tokens, backward)) * p.stride + e;
        V sum = steps[i].y;
        if (accumulate) sum = hn::Add(sum, hn::LoadU(d, y + at));
        if (z != nullptr) sum = hn::Mul(sum, silu(d, hn::LoadU(d, z + at)));
        hn::StoreU(sum, d, y + at);
      }
    }
  }
}

}  // namespace winnow::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace winnow::cpu {

HWY_EXPORT(convolve_rows);
HWY_EXPORT(scan_channels);

void convolve(const ScanParameters& p, const float* x, int tokens, int begin, int end, bool backward,
              float* u) {
  HWY_DYNAMIC_DISPATCH(convolve_rows)(p, x, tokens, begin, end, backward, u);
}
void scan(const ScanParameters& p, const float* u, const float* projected, int tokens, bool backward,
          int begin, int end, bool accumulate, const float* z, float* y) {
  HWY_DYNAMIC_DISPATCH(scan_channels)(p, u, projected, tokens, backward, begin, end, accumulate, z, y);
}

}  // namespace winnow::cpu
#endif  // HWY_ONCE
