#include "cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels_scan.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "cpu/kernels_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace winnow::cpu::HWY_NAMESPACE {

using Channels = hn::CappedTag<float, kLanes>;
using V = Vector<Channels>;

constexpr int kTokenTile = 16;  // tokens that all channels of a task go through before the next ones
constexpr int kStepGroup = 8;   // tokens whose step sizes share one pass over dt_weight
// States of a channel that stay in registers over a token tile: half of the registers, the rest is for their
// updates.
constexpr int kStateGroup = HWY_TARGET == HWY_AVX3 ? 16 : 8;

// Row of the step: the sequence from its start, or from its end.
HWY_INLINE int row_of(int step, int tokens, bool backward) { return backward ? tokens - 1 - step : step; }

void convolve_rows(const ScanParameters& p, const float* x, int tokens, int begin, int end, bool backward,
                   float* u) {
  const Channels d;
  const int lanes = static_cast<int>(hn::Lanes(d)), towards = backward ? 1 : -1;
  for (int t = begin; t < end; ++t) {
    // Taps that fall before the sequence's first step meet zeros.
    const int reach = backward ? tokens - 1 - t : t;
    const int first = std::max(0, p.conv_width - 1 - reach);
    for (int e = 0; e < p.stride; e += lanes) {
      const float* weight = p.conv_weight + table_place(e, p.conv_width);
      V sum = hn::LoadU(d, p.conv_bias + e);
      for (int k = first; k < p.conv_width; ++k) {
        const std::size_t source = t + towards * (p.conv_width - 1 - k);
        sum = hn::MulAdd(hn::LoadU(d, weight + k * kLanes), hn::LoadU(d, x + source * p.stride + e), sum);
      }
      hn::StoreU(silu(d, sum), d, u + static_cast<std::size_t>(t) * p.stride + e);
    }
  }
}

// What one token of the tile brings to the states of one vector of channels.
struct Step {
  const float* dt;             // [R]
  const float* input_matrix;   // B [N]
  const float* output_matrix;  // C [N]
  V delta, input;              // delta, delta u
  V y;
};

// delta = softplus(dt_weight dt + dt_bias) for `Count` tokens, channels e and on.
template <int Count>
HWY_INLINE void step_sizes(const ScanParameters& p, int e, Step* steps) {
  const Channels d;
  const float* weights = p.dt_weight + table_place(e, p.dt_rank);
  V sums[Count];
  for (int i = 0; i < Count; ++i) sums[i] = hn::LoadU(d, p.dt_bias + e);
  for (int r = 0; r < p.dt_rank; ++r) {
    const V weight = hn::LoadU(d, weights + r * kLanes);
    for (int i = 0; i < Count; ++i) sums[i] = hn::MulAdd(weight, hn::Set(d, steps[i].dt[r]), sums[i]);
  }
  for (int i = 0; i < Count; ++i) steps[i].delta = softplus(d, sums[i]);
}

// Advances `Group` states of one vector of channels over the tile: h = exp2(delta decay) h + input B; y += C
// h. `Clamp`: delta decay may be below -126.
template <int Group, bool Clamp>
HWY_INLINE void advance(const ScanParameters& p, int e, int first_state, int count, Step* steps,
                        float* states) {
  const Channels d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  V h[Group];
  for (int n = 0; n < Group; ++n) h[n] = hn::LoadU(d, states + (first_state + n) * lanes);
  const float* decay = p.decay + table_place(e, p.state_dim) + first_state * kLanes;
  for (int i = 0; i < count; ++i) {
    const float* input_matrix = steps[i].input_matrix + first_state;
    const float* output_matrix = steps[i].output_matrix + first_state;
    const V delta = steps[i].delta, input = steps[i].input;
    V y = steps[i].y;
    HWY_UNROLL(16)
    for (int n = 0; n < Group; ++n) {
      const V rate = hn::LoadU(d, decay + n * kLanes);
      const V kept = Clamp ? exp2_of_negative(d, hn::Mul(delta, rate)) : exp2_of_product(d, delta, rate);
      h[n] = hn::MulAdd(kept, h[n], hn::Mul(input, hn::Set(d, input_matrix[n])));
      y = hn::MulAdd(hn::Set(d, output_matrix[n]), h[n], y);
    }
    steps[i].y = y;
  }
  for (int n = 0; n < Group; ++n) hn::StoreU(h[n], d, states + (first_state + n) * lanes);
}

template <bool Clamp>
HWY_INLINE void advance_all(const ScanParameters& p, int e, int count, Step* steps, float* states) {
  int state = 0;
  for (; state + kStateGroup <= p.state_dim; state += kStateGroup)
    advance<kStateGroup, Clamp>(p, e, state, count, steps, states);
  for (; state < p.state_dim; ++state) advance<1, Clamp>(p, e, state, count, steps, states);
}

// One tile of tokens for one vector of channels; rows[i] is the place of token i in u, y and z.
HWY_NOINLINE void scan_tile(const ScanParameters& p, int e, int count, const std::size_t* rows, Step* steps,
                            float* states, const float* u, bool accumulate, const float* z, float* y) {
  const Channels d;
  int i = 0;
  for (; i + kStepGroup <= count; i += kStepGroup) step_sizes<kStepGroup>(p, e, steps + i);
  for (; i < count; ++i) step_sizes<1>(p, e, steps + i);

  const V skip = hn::LoadU(d, p.d + e);
  V largest = hn::Zero(d);
  for (i = 0; i < count; ++i) {
    const V input = hn::LoadU(d, u + rows[i] + e);
    largest = hn::Max(largest, steps[i].delta);
    steps[i].input = hn::Mul(steps[i].delta, input);
    steps[i].y = hn::Mul(skip, input);
  }
  const V lowest = hn::Mul(largest, hn::LoadU(d, p.steepest + e));
  if (hn::AllTrue(d, hn::Gt(lowest, hn::Set(d, -126.0f))))
    advance_all<false>(p, e, count, steps, states);
  else
    advance_all<true>(p, e, count, steps, states);

  for (i = 0; i < count; ++i) {
    V sum = steps[i].y;
    if (accumulate) sum = hn::Add(sum, hn::LoadU(d, y + rows[i] + e));
    if (z != nullptr) sum = hn::Mul(sum, silu(d, hn::LoadU(d, z + rows[i] + e)));
    hn::StoreU(sum, d, y + rows[i] + e);
  }
}

void scan_channels(const ScanParameters& p, const float* u, const float* projected, int tokens, bool backward,
                   int begin, int end, bool accumulate, const float* z, float* y, float* states) {
  const Channels d;
  const int lanes = static_cast<int>(hn::Lanes(d)), width = p.dt_rank + 2 * p.state_dim;
  Step steps[kTokenTile];
  std::size_t rows[kTokenTile];
  std::fill_n(states, static_cast<std::size_t>(p.state_dim) * (end - begin), 0.0f);
  for (int first = 0; first < tokens; first += kTokenTile) {
    const int count = std::min(kTokenTile, tokens - first);
    for (int i = 0; i < count; ++i) {
      const std::size_t row = row_of(first + i, tokens, backward);
      rows[i] = row * p.stride;
      steps[i].dt = projected + row * width;
      steps[i].input_matrix = steps[i].dt + p.dt_rank;
      steps[i].output_matrix = steps[i].input_matrix + p.state_dim;
      // Rows lie pages apart, where the processor does not fetch ahead by itself.
      if (first + i + kTokenTile >= tokens) continue;
      const std::size_t next =
          static_cast<std::size_t>(row_of(first + i + kTokenTile, tokens, backward)) * p.stride;
      for (int e = begin; e < end; e += kLanes) {
        hwy::Prefetch(u + next + e);
        if (z != nullptr) hwy::Prefetch(z + next + e);
        hwy::Prefetch(y + next + e);
      }
    }
    for (int e = begin; e < end; e += lanes)
      scan_tile(p, e, count, rows, steps, states + static_cast<std::size_t>(e - begin) * p.state_dim, u,
                accumulate, z, y);
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
          int begin, int end, bool accumulate, const float* z, float* y, float* states) {
  HWY_DYNAMIC_DISPATCH(scan_channels)(p, u, projected, tokens, backward, begin, end, accumulate, z, y,
                                      states);
}

}  // namespace winnow::cpu
#endif  // HWY_ONCE
