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

constexpr int kTaps = 4;        // of the published models: their tokens are convolved in groups
constexpr int kTokenGroup = 4;  // tokens that share the loads of their rows and weights

// u[t] for kTokenGroup tokens from t on, all of whose taps are inside the sequence.
template <typename T>
HWY_INLINE void convolve_group(const ScanParameters& p, const float* scales, const T* x, int t, int towards,
                               T* u) {
  const Channels d;
  constexpr int kRows = kTokenGroup + kTaps - 1;
  const int lanes = static_cast<int>(hn::Lanes(d));
  // Row i of the window; tap k of token j meets row j + k, or j + kTaps - 1 - k against the sequence.
  const int first_row = towards < 0 ? t - (kTaps - 1) : t;
  const T* first = x + static_cast<std::size_t>(first_row) * p.stride;
  T* out = u + static_cast<std::size_t>(t) * p.stride;
  for (int e = 0; e < p.stride; e += lanes) {
    const float* weight = p.conv_weight + table_offset(e, kTaps);
    V rows[kRows], sums[kTokenGroup];
    for (int i = 0; i < kRows; ++i) rows[i] = load(d, first + static_cast<std::size_t>(i) * p.stride + e);
    if (scales != nullptr)
      for (int i = 0; i < kRows; ++i) rows[i] = hn::Mul(rows[i], hn::Set(d, scales[first_row + i]));
    for (V& sum : sums) sum = hn::LoadU(d, p.conv_bias + e);
    for (int k = 0; k < kTaps; ++k) {
      const V tap = hn::LoadU(d, weight + (towards < 0 ? k : kTaps - 1 - k) * kLanes);
      for (int j = 0; j < kTokenGroup; ++j) sums[j] = hn::MulAdd(tap, rows[j + k], sums[j]);
    }
    for (int j = 0; j < kTokenGroup; ++j)
      store(d, silu<kExactness<T>>(d, sums[j]), out + static_cast<std::size_t>(j) * p.stride + e);
  }
}

// u[t] for one token; taps that fall before the sequence's first step meet zeros.
template <typename T>
HWY_INLINE void convolve_token(const ScanParameters& p, const ConvolutionRange& range, const T* x, int t,
                               T* u) {
  const Channels d;
  const int lanes = static_cast<int>(hn::Lanes(d)), towards = range.backward ? 1 : -1;
  const int reach = range.backward ? range.tokens - 1 - t : t;  // tokens before this one
  for (int e = 0; e < p.stride; e += lanes) {
    const float* weight = p.conv_weight + table_offset(e, p.conv_width);
    V sum = hn::LoadU(d, p.conv_bias + e);
    for (int k = std::max(0, p.conv_width - 1 - reach); k < p.conv_width; ++k) {
      const std::size_t source = t + towards * (p.conv_width - 1 - k);
      V row = load(d, x + source * p.stride + e);
      if (range.scales != nullptr) row = hn::Mul(row, hn::Set(d, range.scales[source]));
      sum = hn::MulAdd(hn::LoadU(d, weight + k * kLanes), row, sum);
    }
    store(d, silu<kExactness<T>>(d, sum), u + static_cast<std::size_t>(t) * p.stride + e);
  }
}

template <typename T>
HWY_INLINE void convolve_rows(const ScanParameters& p, const ConvolutionRange& range, const T* x, T* u) {
  for (int t = range.begin; t < range.end;) {
    const int last = t + kTokenGroup - 1;
    const int reach = range.backward ? range.tokens - 1 - last : t;  // tokens before the group
    if (p.conv_width == kTaps && reach >= kTaps - 1 && last < range.end) {
      convolve_group(p, range.scales, x, t, range.backward ? 1 : -1, u);
      t += kTokenGroup;
    } else {
      convolve_token(p, range, x, t++, u);
    }
  }
}
void convolve_fp32(const ScanParameters& p, const ConvolutionRange& range, const float* x, float* u) {
  convolve_rows(p, range, x, u);
}
void convolve_bf16(const ScanParameters& p, const ConvolutionRange& range, const BFloat16* x, BFloat16* u) {
  convolve_rows(p, range, x, u);
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
template <Exactness exactness, int Count>
HWY_INLINE void step_sizes(const ScanParameters& p, int e, Step* steps) {
  const Channels d;
  const float* weights = p.dt_weight + table_offset(e, p.dt_rank);
  V sums[Count];
  for (int i = 0; i < Count; ++i) sums[i] = hn::LoadU(d, p.dt_bias + e);
  for (int r = 0; r < p.dt_rank; ++r) {
    const V weight = hn::LoadU(d, weights + r * kLanes);
    for (int i = 0; i < Count; ++i) sums[i] = hn::MulAdd(weight, hn::Set(d, steps[i].dt[r]), sums[i]);
  }
  for (int i = 0; i < Count; ++i) steps[i].delta = softplus<exactness>(d, sums[i]);
}

// Advances `Group` states of one vector of channels over the tile: h = exp2(delta decay) h + input B; y += C
// h. `Clamp`: delta decay may be below -126.
template <Exactness exactness, int Group, bool Clamp, bool All = false>
HWY_INLINE void advance(const ScanParameters& p, int e, int first_state, int count, Step* steps,
                        float* states) {
  const Channels d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  V h[Group];
  for (int n = 0; n < Group; ++n) h[n] = hn::LoadU(d, states + (first_state + n) * lanes);
  const float* decay = p.decay + table_offset(e, p.state_dim) + first_state * kLanes;
  for (int i = 0; i < count; ++i) {
    const float* input_matrix = steps[i].input_matrix + first_state;
    const float* output_matrix = All ? input_matrix + Group : steps[i].output_matrix + first_state;
    const V delta = steps[i].delta, input = steps[i].input;
    V y = steps[i].y;
    HWY_UNROLL(16)
    for (int n = 0; n < Group; ++n) {
      const V rate = hn::LoadU(d, decay + n * kLanes);
      const V kept = Clamp ? exp2_of_negative<exactness>(d, hn::Mul(delta, rate))
                           : exp2_of_product<exactness>(d, delta, rate);
      h[n] = hn::MulAdd(kept, h[n], hn::Mul(input, hn::Set(d, input_matrix[n])));
      y = hn::MulAdd(hn::Set(d, output_matrix[n]), h[n], y);
    }
    steps[i].y = y;
  }
  for (int n = 0; n < Group; ++n) hn::StoreU(h[n], d, states + (first_state + n) * lanes);
}

template <Exactness exactness, bool Clamp>
HWY_INLINE void advance_all(const ScanParameters& p, int e, int count, Step* steps, float* states) {
  if (p.state_dim == kStateGroup)
    return advance<exactness, kStateGroup, Clamp, true>(p, e, 0, count, steps, states);
  int state = 0;
  for (; state + kStateGroup <= p.state_dim; state += kStateGroup)
    advance<exactness, kStateGroup, Clamp>(p, e, state, count, steps, states);
  for (; state < p.state_dim; ++state) advance<exactness, 1, Clamp>(p, e, state, count, steps, states);
}

// One tile of tokens for one vector of channels; rows[i] is the token of step i. See scan in kernels.h.
template <typename T>
HWY_NOINLINE void scan_tile(const ScanParameters& p, const ScanRange& range, int e, int count,
                            const int* rows, Step* steps, const T* u, float* sums, const T* z, T* y) {
  constexpr Exactness exactness = kExactness<T>;
  const Channels d;
  const auto at = [&](int i) { return static_cast<std::size_t>(rows[i]) * p.stride + e; };
  const auto sum_at = [&](int i) {
    return sums + static_cast<std::size_t>(rows[i]) * (range.end - range.begin) + (e - range.begin);
  };
  int i = 0;
  for (; i + kStepGroup <= count; i += kStepGroup) step_sizes<exactness, kStepGroup>(p, e, steps + i);
  for (; i < count; ++i) step_sizes<exactness, 1>(p, e, steps + i);

  const V skip = hn::LoadU(d, p.d + e);
  V largest = hn::Zero(d);
  for (i = 0; i < count; ++i) {
    const V input = load(d, u + at(i));
    largest = hn::Max(largest, steps[i].delta);
    steps[i].input = hn::Mul(steps[i].delta, input);
    steps[i].y = hn::Mul(skip, input);
  }
  float* states = range.states + static_cast<std::size_t>(e - range.begin) * p.state_dim;
  const V lowest = hn::Mul(largest, hn::LoadU(d, p.steepest + e));
  if (hn::AllTrue(d, hn::Gt(lowest, hn::Set(d, -126.0f))))
    advance_all<exactness, false>(p, e, count, steps, states);
  else
    advance_all<exactness, true>(p, e, count, steps, states);

  for (i = 0; i < count; ++i) {
    V sum = steps[i].y;
    if (y == nullptr) {
      hn::StoreU(sum, d, sum_at(i));
      continue;
    }
    if (sums != nullptr) sum = hn::Add(sum, hn::LoadU(d, sum_at(i)));
    V gate = load(d, z + at(i));
    if (range.z_scales != nullptr) gate = hn::Mul(gate, hn::Set(d, range.z_scales[rows[i]]));
    store(d, hn::Mul(sum, silu<exactness>(d, gate)), y + at(i));
  }
}

template <typename T>
HWY_INLINE void scan_channels(const ScanParameters& p, const ScanRange& range, const T* u, float* sums,
                              const T* z, T* y) {
  const Channels d;
  const int lanes = static_cast<int>(hn::Lanes(d)), width = p.dt_rank + 2 * p.state_dim;
  constexpr int kLineElements = 64 / sizeof(T);
  Step steps[kTokenTile];
  int rows[kTokenTile];
  std::fill_n(range.states, static_cast<std::size_t>(p.state_dim) * (range.end - range.begin), 0.0f);
  for (int first = 0; first < range.tokens; first += kTokenTile) {
    const int count = std::min(kTokenTile, range.tokens - first);
    for (int i = 0; i < count; ++i) {
      rows[i] = row_of(first + i, range.tokens, range.backward);
      steps[i].dt = range.projected + static_cast<std::size_t>(rows[i]) * width;
      steps[i].input_matrix = steps[i].dt + p.dt_rank;
      steps[i].output_matrix = steps[i].input_matrix + p.state_dim;
      // Rows lie pages apart, where the processor does not fetch ahead by itself.
      if (first + i + kTokenTile >= range.tokens) continue;
      const int row = row_of(first + i + kTokenTile, range.tokens, range.backward);
      for (int e = range.begin; e < range.end; e += kLineElements) {
        const std::size_t offset = static_cast<std::size_t>(row) * p.stride + e;
        hwy::Prefetch(u + offset);
        if (y == nullptr) continue;
        hwy::Prefetch(z + offset);
        hwy::Prefetch(y + offset);
      }
    }
    for (int e = range.begin; e < range.end; e += lanes)
      scan_tile(p, range, e, count, rows, steps, u, sums, z, y);
  }
}
void scan_fp32(const ScanParameters& p, const ScanRange& range, const float* u, float* sums, const float* z,
               float* y) {
  scan_channels(p, range, u, sums, z, y);
}
void scan_bf16(const ScanParameters& p, const ScanRange& range, const BFloat16* u, float* sums,
               const BFloat16* z, BFloat16* y) {
  scan_channels(p, range, u, sums, z, y);
}

}  // namespace winnow::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace winnow::cpu {

HWY_EXPORT(convolve_fp32);
HWY_EXPORT(convolve_bf16);
HWY_EXPORT(scan_fp32);
HWY_EXPORT(scan_bf16);

void convolve(const ScanParameters& p, const ConvolutionRange& range, const float* x, float* u) {
  HWY_DYNAMIC_DISPATCH(convolve_fp32)(p, range, x, u);
}
void convolve(const ScanParameters& p, const ConvolutionRange& range, const BFloat16* x, BFloat16* u) {
  HWY_DYNAMIC_DISPATCH(convolve_bf16)(p, range, x, u);
}
void scan(const ScanParameters& p, const ScanRange& range, const float* u, float* sums, const float* z,
          float* y) {
  HWY_DYNAMIC_DISPATCH(scan_fp32)(p, range, u, sums, z, y);
}
void scan(const ScanParameters& p, const ScanRange& range, const BFloat16* u, float* sums, const BFloat16* z,
          BFloat16* y) {
  HWY_DYNAMIC_DISPATCH(scan_bf16)(p, range, u, sums, z, y);
}

}  // namespace winnow::cpu
#endif  // HWY_ONCE
