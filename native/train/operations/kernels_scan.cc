#include "train/operations/cpu_operations.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "train/operations/kernels_scan.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <type_traits>

#include "train/operations/kernels_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace winnow::train::HWY_NAMESPACE {

// Tokens go by in tiles that the first cache holds with all that is kept of them. Within a tile and a vector
// of channels, a group of states goes over all tokens at once: their numbers stay in registers, and their
// recurrences, each bound by its latency, overlap.

constexpr int kTile = kScanTile;
constexpr int kWidest = 16;  // lanes of the widest vectors
// States whose values, or values and gradients, fill about half of the registers.
constexpr int kGroup = HWY_TARGET == HWY_AVX3 ? 8 : 4;
constexpr int kReturnGroup = HWY_TARGET == HWY_AVX3 ? 8 : 4;

int tiles_of(const ScanShape& s) { return (s.tokens + kTile - 1) / kTile; }

// What the scan works in.
struct ScanMemory {
  float* steepest;           // [padded channels]: lowest rate of the states
  float *states, *d_states;  // [channels / lanes, states, lanes]
  float* lane_sums;          // [kTile, 2, states, lanes]: gradients of B and C, to be summed over lanes
  float* matrices;           // [kTile, 2, states]: B and C of the tile's tokens, in the order of the steps
};
int padded_channels(const ScanShape& s) { return (s.channels + kWidest - 1) / kWidest * kWidest; }
std::size_t matrices_size(const ScanShape& s) { return 2ull * kTile * s.states; }
ScanMemory parts_of(const ScanShape& s, float* memory) {
  ScanMemory m;
  m.steepest = memory;
  m.states = m.steepest + padded_channels(s);
  m.d_states = m.states + s.state_floats();
  m.lane_sums = m.d_states + s.state_floats();
  m.matrices = m.lane_sums + matrices_size(s) * kWidest;
  return m;
}
std::size_t scan_floats(const ScanShape& s) {
  return padded_channels(s) + 2 * s.state_floats() + matrices_size(s) * (kWidest + 1);
}

// Lowest of A by channel, times log2 e.
void find_steepest(const ScanShape& s, const ScanInputs& in, float* steepest) {
  for_lanes(s.channels, [&](std::size_t e, Lanes lanes) {
    V lowest = constant(0.0f);
    for (int n = 0; n < s.states; ++n)
      lowest = hn::Min(lowest, lanes.load(in.state_matrix + static_cast<std::size_t>(n) * s.channels + e));
    hn::StoreU(hn::Mul(lowest, constant(math::kLog2E)), Floats(), steepest + e);
  });
}

// What a tile's tokens bring for one vector of channels, in the order of the steps.
struct Tile {
  int count;
  std::size_t rows[kTile], offsets[kTile];  // and the rows' first channel
  const float* matrices;
  V delta[kTile], u[kTile], input[kTile];  // input = delta u
  V y[kTile];
};

HWY_INLINE void place_tile(const ScanShape& s, const ScanInputs& in, int index, float* matrices, Tile& tile) {
  tile.count = std::min(kTile, s.tokens - index * kTile);
  tile.matrices = matrices;
  for (int i = 0; i < tile.count; ++i, matrices += 2 * s.states) {
    const int step = index * kTile + i;
    tile.rows[i] = s.backward ? s.tokens - 1 - step : step;
    tile.offsets[i] = tile.rows[i] * s.channels;
    std::copy_n(in.input_matrix + tile.rows[i] * s.matrix_stride, s.states, matrices);
    std::copy_n(in.output_matrix + tile.rows[i] * s.matrix_stride, s.states, matrices + s.states);
  }
}

// True when delta A may be below what exp2 takes without clamping. `slopes` [kTile]: of delta, where asked.
template <bool kSlope>
HWY_INLINE bool load_tile(const ScanInputs& in, const float* steepest, std::size_t e, Lanes lanes, Tile& tile,
                          V* slopes) {
  constexpr int kAtOnce = 4;
  const V skip = lanes.load(in.skip + e);
  V largest = constant(0.0f);
  for (int i = 0; i < tile.count; i += kAtOnce) {
    V steps[kAtOnce];
    for (int k = 0; k < kAtOnce; ++k)
      steps[k] = lanes.load(in.steps + tile.offsets[std::min(i + k, tile.count - 1)] + e);
    softplus<kAtOnce, kSlope>(steps, tile.delta + i, kSlope ? slopes + i : nullptr);
  }
  for (int i = 0; i < tile.count; ++i) {
    tile.u[i] = lanes.load(in.u + tile.offsets[i] + e);
    tile.input[i] = hn::Mul(tile.delta[i], tile.u[i]);
    tile.y[i] = hn::Mul(skip, tile.u[i]);
    largest = hn::Max(largest, tile.delta[i]);
  }
  const V lowest = hn::Mul(largest, hn::LoadU(Floats(), steepest + e));
  return !hn::AllTrue(Floats(), hn::Gt(lowest, constant(-126.0f)));
}

// exp(delta A) of `Group` states, given A log2 e.
template <bool Clamp, int Group>
HWY_INLINE void kept_shares(V delta, const V* state_matrix, V* kept) {
  constexpr int kAtOnce = std::min(Group, 4);
  for (int j = 0; j < Group; j += kAtOnce) {
    if constexpr (Clamp) {
      V x[kAtOnce];
      for (int k = 0; k < kAtOnce; ++k) x[k] = hn::Mul(delta, state_matrix[j + k]);
      exp2_of_negatives<kAtOnce>(x, kept + j);
    } else {
      exp2_of_products<kAtOnce>(delta, state_matrix + j, kept + j);
    }
  }
}

// The scan of one vector of channels through a tile.
struct ChannelScan {
  const ScanShape& s;
  const ScanInputs& in;
  std::size_t e;
  Lanes lanes;

  V rate(int n) const { return lanes.load(in.state_matrix + static_cast<std::size_t>(n) * s.channels + e); }
  // Of a state within [channels / lanes, states, lanes].
  std::size_t offset(int n) const { return e * s.states + n * hn::Lanes(Floats()); }
};

// Calls step(first, size) for all states in groups of kSize, then of one; `size` is a constant.
template <int kSize, class Step>
HWY_INLINE void for_groups(int states, Step step) {
  int n = 0;
  for (; n + kSize <= states; n += kSize) step(n, std::integral_constant<int, kSize>());
  if constexpr (kSize > 1)
    for_groups<kSize / 2>(states - n, [&](int next, auto size) { step(n + next, size); });
}

// Adds C h of `Group` states from n on to the tile's y, and takes the states over the tile.
template <int Group, bool Clamp>
HWY_INLINE void advance(const ChannelScan& scan, int n, Tile& tile, const float* before, float* behind) {
  const Floats d;
  V h[Group], rate[Group];
  for (int j = 0; j < Group; ++j) {
    h[j] = hn::LoadU(d, before + scan.offset(n + j));
    rate[j] = hn::Mul(scan.rate(n + j), constant(math::kLog2E));
  }
  const float* input = tile.matrices + n;
  for (int i = 0; i < tile.count; ++i, input += 2 * scan.s.states) {
    const float* output = input + scan.s.states;
    const V delta_u = tile.input[i];
    V y = tile.y[i], kept[Group];
    kept_shares<Clamp, Group>(tile.delta[i], rate, kept);
    for (int j = 0; j < Group; ++j) {
      h[j] = hn::MulAdd(kept[j], h[j], hn::Mul(delta_u, constant(input[j])));
      y = hn::MulAdd(constant(output[j]), h[j], y);
    }
    tile.y[i] = y;
  }
  for (int j = 0; j < Group; ++j) hn::StoreU(h[j], d, behind + scan.offset(n + j));
}

void scan(const ScanShape& s, const ScanInputs& in, float* y, float* kept, float* memory) {
  const ScanMemory m = parts_of(s, memory);
  find_steepest(s, in, m.steepest);
  std::fill_n(m.states, s.state_floats(), 0.0f);
  float* before = m.states;
  Tile tile;
  for (int index = 0; index < tiles_of(s); ++index) {
    float* behind = kept == nullptr || index + 1 == tiles_of(s) ? m.states : kept + index * s.state_floats();
    place_tile(s, in, index, m.matrices, tile);
    for_lanes(s.channels, [&](std::size_t e, Lanes lanes) {
      const bool clamp = load_tile<false>(in, m.steepest, e, lanes, tile, nullptr);
      const ChannelScan scan{s, in, e, lanes};
      for_groups<kGroup>(s.states, [&](int n, auto size) {
        if (clamp)
          advance<size(), true>(scan, n, tile, before, behind);
        else
          advance<size(), false>(scan, n, tile, before, behind);
      });
      for (int i = 0; i < tile.count; ++i) lanes.store(tile.y[i], y + tile.offsets[i] + e);
    });
    before = behind;
  }
}

// A tile's gradients for one vector of channels.
struct TileGradients {
  V out[kTile];      // of y
  V through[kTile];  // of delta u
  V delta[kTile];    // of delta by way of exp(delta A)
  V steps[kTile];    // slope of delta
};

// The way back of `Group` states from n on: they are computed again from those before the tile, which leaves
// y of the tile, then their gradients, from those of the states behind it, which become those of the states
// before it.
template <int Group, bool Clamp>
HWY_INLINE void go_back(const ChannelScan& scan, int n, Tile& tile, TileGradients& d_tile,
                        const float* before, float* d_states, float* d_state_matrix, float* lane_sums) {
  const Floats d;
  const int states = scan.s.states;
  const std::size_t lanes = hn::Lanes(d), token_sums = 2 * lanes * states;
  V kept[kTile][Group], decayed[kTile][Group];  // exp(delta A), and the state before the token times it
  {
    V h[Group], rate[Group];
    for (int j = 0; j < Group; ++j) {
      h[j] = hn::LoadU(d, before + scan.offset(n + j));
      rate[j] = hn::Mul(scan.rate(n + j), constant(math::kLog2E));
    }
    const float* input = tile.matrices + n;
    float* d_output = lane_sums + (states + n) * lanes;
    for (int i = 0; i < tile.count; ++i, input += 2 * states, d_output += token_sums) {
      const float* output = input + states;
      const V delta_u = tile.input[i], d_out = d_tile.out[i];
      V y = tile.y[i];
      kept_shares<Clamp, Group>(tile.delta[i], rate, kept[i]);
      for (int j = 0; j < Group; ++j) {
        const V brought = hn::Mul(delta_u, constant(input[j]));
        decayed[i][j] = hn::Mul(kept[i][j], h[j]);
        h[j] = hn::MulAdd(kept[i][j], h[j], brought);
        y = hn::MulAdd(constant(output[j]), h[j], y);
        float* sum = d_output + j * lanes;
        hn::StoreU(hn::MulAdd(d_out, h[j], hn::LoadU(d, sum)), d, sum);
      }
      tile.y[i] = y;
    }
  }
  V g[Group], d_rate[Group], rate[Group];
  for (int j = 0; j < Group; ++j) {
    g[j] = hn::LoadU(d, d_states + scan.offset(n + j));
    d_rate[j] = constant(0.0f);
    rate[j] = scan.rate(n + j);
  }
  const float* input = tile.matrices + n + 2 * states * (tile.count - 1);
  float* d_input = lane_sums + n * lanes + token_sums * (tile.count - 1);
  for (int i = tile.count - 1; i >= 0; --i, input -= 2 * states, d_input -= token_sums) {
    const float* output = input + states;
    const V delta_u = tile.input[i], d_out = d_tile.out[i], delta = tile.delta[i];
    V through = d_tile.through[i], d_delta = d_tile.delta[i];
    HWY_UNROLL(16)
    for (int j = 0; j < Group; ++j) {
      g[j] = hn::MulAdd(d_out, constant(output[j]), g[j]);
      float* sum = d_input + j * lanes;
      hn::StoreU(hn::MulAdd(g[j], delta_u, hn::LoadU(d, sum)), d, sum);
      through = hn::MulAdd(g[j], constant(input[j]), through);
      const V change = hn::Mul(g[j], decayed[i][j]);
      d_delta = hn::MulAdd(change, rate[j], d_delta);
      d_rate[j] = hn::MulAdd(change, delta, d_rate[j]);
      g[j] = hn::Mul(g[j], kept[i][j]);
    }
    d_tile.through[i] = through;
    d_tile.delta[i] = d_delta;
  }
  for (int j = 0; j < Group; ++j) {
    hn::StoreU(g[j], d, d_states + scan.offset(n + j));
    scan.lanes.add(d_rate[j], d_state_matrix + static_cast<std::size_t>(n + j) * scan.s.channels + scan.e);
  }
}

#if HWY_TARGET != HWY_SCALAR
// Four sums: of lanes 0, 4, 8, ..., of lanes 1, 5, 9, ..., and so on.
template <class D>
HWY_INLINE hn::Vec<hn::CappedTag<float, 4>> sum_blocks(D d, hn::Vec<D> v) {
  if constexpr (hn::MaxLanes(D()) <= 4)
    return v;
  else {
    const hn::Half<D> half;
    return sum_blocks(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  }
}
#endif

// to[n] = sum over lanes of the n-th of `count` vectors.
HWY_INLINE void sum_lanes(const float* vectors, int count, float* to) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  int n = 0;
#if HWY_TARGET != HWY_SCALAR
  // Four at a time: each block of four lanes is transposed on the way, then the blocks are added.
  const auto pairs = [&](V a, V b) {
    return hn::Add(hn::InterleaveLower(d, a, b), hn::InterleaveUpper(d, a, b));
  };
  const hn::Repartition<std::uint64_t, Floats> wide;
  for (; n + 4 <= count; n += 4, vectors += 4 * lanes) {
    const auto at = [&](int i) { return hn::LoadU(d, vectors + i * lanes); };
    const auto first = hn::BitCast(wide, pairs(at(0), at(1))), last = hn::BitCast(wide, pairs(at(2), at(3)));
    hn::StoreU(sum_blocks(d, hn::Add(hn::BitCast(d, hn::InterleaveLower(wide, first, last)),
                                     hn::BitCast(d, hn::InterleaveUpper(wide, first, last)))),
               hn::CappedTag<float, 4>(), to + n);
  }
#endif
  for (; n < count; ++n, vectors += lanes) to[n] = total(hn::LoadU(d, vectors));
}

void scan_gradient(const ScanShape& s, const ScanInputs& in, const float* kept, const float* d_y, float* y,
                   const ScanGradients& out, float* memory) {
  const ScanMemory m = parts_of(s, memory);
  const std::size_t token_sums = 2 * hn::Lanes(Floats()) * s.states;
  find_steepest(s, in, m.steepest);
  std::fill_n(m.states, s.state_floats(), 0.0f);
  std::fill_n(m.d_states, s.state_floats(), 0.0f);
  Tile tile;
  TileGradients d_tile;
  for (int index = tiles_of(s) - 1; index >= 0; --index) {
    const float* before = index == 0 ? m.states : kept + (index - 1) * s.state_floats();
    place_tile(s, in, index, m.matrices, tile);
    std::fill_n(m.lane_sums, token_sums * tile.count, 0.0f);
    for_lanes(s.channels, [&](std::size_t e, Lanes lanes) {
      const bool clamp = load_tile<true>(in, m.steepest, e, lanes, tile, d_tile.steps);
      V d_skip = constant(0.0f);
      for (int i = 0; i < tile.count; ++i) {
        d_tile.out[i] = lanes.load(d_y + tile.offsets[i] + e);
        d_tile.through[i] = d_tile.delta[i] = constant(0.0f);
        d_skip = hn::MulAdd(d_tile.out[i], tile.u[i], d_skip);
      }
      lanes.add(d_skip, out.skip + e);
      const ChannelScan scan{s, in, e, lanes};
      for_groups<kReturnGroup>(s.states, [&](int n, auto size) {
        if (clamp)
          go_back<size(), true>(scan, n, tile, d_tile, before, m.d_states, out.state_matrix, m.lane_sums);
        else
          go_back<size(), false>(scan, n, tile, d_tile, before, m.d_states, out.state_matrix, m.lane_sums);
      });
      const V skip = lanes.load(in.skip + e);
      for (int i = 0; i < tile.count; ++i) {
        const std::size_t offset = tile.offsets[i] + e;
        lanes.store(tile.y[i], y + offset);
        lanes.store(hn::MulAdd(skip, d_tile.out[i], hn::Mul(tile.delta[i], d_tile.through[i])),
                    out.u + offset);
        const V d_softplus = hn::MulAdd(d_tile.through[i], tile.u[i], d_tile.delta[i]);
        lanes.store(hn::Mul(d_softplus, d_tile.steps[i]), out.steps + offset);
      }
    });
    for (int i = 0; i < tile.count; ++i) {
      const float* sums = m.lane_sums + i * token_sums;
      sum_lanes(sums, s.states, out.input_matrix + tile.rows[i] * s.matrix_stride);
      sum_lanes(sums + token_sums / 2, s.states, out.output_matrix + tile.rows[i] * s.matrix_stride);
    }
  }
}

}  // namespace winnow::train::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace winnow::train {

HWY_EXPORT(scan_floats);
HWY_EXPORT(scan);
HWY_EXPORT(scan_gradient);

std::size_t CpuOperations::scan_memory(const ScanShape& shape) const {
  return HWY_DYNAMIC_DISPATCH(scan_floats)(shape);
}
void CpuOperations::scan(const ScanShape& shape, const ScanInputs& in, float* y, float* kept, float* memory) {
  HWY_DYNAMIC_DISPATCH(scan)(shape, in, y, kept, memory);
}
void CpuOperations::scan_gradient(const ScanShape& shape, const ScanInputs& in, const float* kept,
                                  const float* d_y, float* y, const ScanGradients& out, float* memory) {
  HWY_DYNAMIC_DISPATCH(scan_gradient)(shape, in, kept, d_y, y, out, memory);
}
}  // namespace winnow::train
#endif  // HWY_ONCE
