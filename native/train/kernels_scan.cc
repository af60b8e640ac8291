#include "train/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "train/kernels_scan.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "train/kernels_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace winnow::train::HWY_NAMESPACE {

// --- Convolution ---

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

// --- The selective scan ---
//
// Tokens go by in tiles. Within a tile and a vector of channels, each state is taken alone over all tokens of
// the tile, with the tile's step sizes and sums in registers.

constexpr int kTile = 8;
constexpr int kWidest = 16;  // lanes of the widest vectors

int padded_channels(const ScanShape& s) { return (s.channels + kWidest - 1) / kWidest * kWidest; }
int tiles_of(const ScanShape& s) { return (s.tokens + kTile - 1) / kTile; }
std::size_t states_size(const ScanShape& s) {
  return static_cast<std::size_t>(s.states) * padded_channels(s);
}

// States before each tile, gradients of the states behind the tile, and a tile's gradients of B and C by
// lane.
std::size_t scan_floats(const ScanShape& s) {
  return states_size(s) * (tiles_of(s) + 2) + 2ull * kTile * s.states * kWidest;
}

// What a tile's tokens bring for one vector of channels.
struct Tile {
  int count;
  std::size_t rows[kTile];
  V delta[kTile], u[kTile], input[kTile];  // input = delta u
};

HWY_INLINE void place_tile(const ScanShape& s, int index, Tile& tile) {
  tile.count = std::min(kTile, s.tokens - index * kTile);
  for (int i = 0; i < kTile; ++i) {
    const int step = std::min(index * kTile + i, s.tokens - 1);
    tile.rows[i] = s.backward ? s.tokens - 1 - step : step;
  }
}

// Tokens beyond the sequence's end step by zero and bring nothing.
HWY_INLINE void load_tile(const ScanShape& s, const ScanInputs& in, std::size_t e, Lanes lanes, Tile& tile) {
  for (int i = 0; i < kTile; ++i) {
    if (i >= tile.count) {
      tile.delta[i] = tile.u[i] = tile.input[i] = constant(0.0f);
      continue;
    }
    const std::size_t place = tile.rows[i] * s.channels + e;
    tile.delta[i] = math::softplus(Floats(), lanes.load(in.steps + place));
    tile.u[i] = lanes.load(in.u + place);
    tile.input[i] = hn::Mul(tile.delta[i], tile.u[i]);
  }
}

HWY_INLINE V kept_share(V delta, V rate) { return math::exp2_of_negative(Floats(), hn::Mul(delta, rate)); }

// y of a tile, and the states behind it from those before it.
HWY_INLINE void advance_tile(const ScanShape& s, const ScanInputs& in, const Tile& tile, std::size_t e,
                             Lanes lanes, const float* before, float* behind, float* y) {
  const int padded = padded_channels(s);
  const V skip = lanes.load(in.skip + e);
  V sums[kTile];
  for (int i = 0; i < kTile; ++i) sums[i] = hn::Mul(skip, tile.u[i]);
  for (int n = 0; n < s.states; ++n) {
    const V rate =
        hn::Mul(lanes.load(in.rates + static_cast<std::size_t>(n) * s.channels + e), constant(math::kLog2E));
    V h = hn::LoadU(Floats(), before + static_cast<std::size_t>(n) * padded + e);
    HWY_UNROLL(8)
    for (int i = 0; i < kTile; ++i) {
      const std::size_t place = tile.rows[i] * s.matrix_stride + n;
      h = hn::MulAdd(kept_share(tile.delta[i], rate), h,
                     hn::Mul(tile.input[i], constant(in.input_matrix[place])));
      sums[i] = hn::MulAdd(constant(in.output_matrix[place]), h, sums[i]);
    }
    hn::StoreU(h, Floats(), behind + static_cast<std::size_t>(n) * padded + e);
  }
  for (int i = 0; i < tile.count; ++i) lanes.store(sums[i], y + tile.rows[i] * s.channels + e);
}

// All tiles; `states`: those before the first tile, then `apart` floats further behind each.
HWY_INLINE void scan_tiles(const ScanShape& s, const ScanInputs& in, float* y, float* states,
                           std::size_t apart) {
  std::fill_n(states, states_size(s), 0.0f);
  Tile tile;
  for (int index = 0; index < tiles_of(s); ++index, states += apart) {
    place_tile(s, index, tile);
    for_lanes(s.channels, [&](std::size_t e, Lanes lanes) {
      load_tile(s, in, e, lanes, tile);
      advance_tile(s, in, tile, e, lanes, states, states + apart, y);
    });
  }
}

void scan(const ScanShape& s, const ScanInputs& in, float* y, float* memory) {
  scan_tiles(s, in, y, memory, 0);
}

// A tile's gradients by lane: [kTile, states, lanes] each, to be summed over the lanes and all channels.
struct LaneSums {
  float *input_matrix, *output_matrix;
};

// The way back through a tile: its states are computed again from those before it, then its gradients from
// the one of the states behind it, which becomes that of the states before it.
HWY_INLINE void return_tile(const ScanShape& s, const ScanInputs& in, const Tile& tile, std::size_t e,
                            Lanes lanes, const float* before, float* d_states, const float* d_y,
                            const ScanGradients& out, const LaneSums& sums) {
  const Floats d;
  const int padded = padded_channels(s);
  const V skip = lanes.load(in.skip + e);
  V d_out[kTile], d_delta[kTile], through[kTile], d_skip = constant(0.0f);
  for (int i = 0; i < kTile; ++i) {
    d_out[i] = i < tile.count ? lanes.load(d_y + tile.rows[i] * s.channels + e) : constant(0.0f);
    d_skip = hn::MulAdd(d_out[i], tile.u[i], d_skip);
    d_delta[i] = through[i] = constant(0.0f);
  }
  lanes.add(d_skip, out.skip + e);
  for (int n = 0; n < s.states; ++n) {
    const std::size_t state = static_cast<std::size_t>(n) * padded + e;
    const V rate = lanes.load(in.rates + static_cast<std::size_t>(n) * s.channels + e),
            rate2 = hn::Mul(rate, constant(math::kLog2E));
    V h[kTile + 1], kept[kTile];
    h[0] = hn::LoadU(d, before + state);
    HWY_UNROLL(8)
    for (int i = 0; i < kTile; ++i) {
      kept[i] = kept_share(tile.delta[i], rate2);
      const V brought = hn::Mul(tile.input[i], constant(in.input_matrix[tile.rows[i] * s.matrix_stride + n]));
      h[i + 1] = hn::MulAdd(kept[i], h[i], brought);
    }
    V g = hn::LoadU(d, d_states + state), d_rate = constant(0.0f);
    HWY_UNROLL(8)
    for (int i = kTile - 1; i >= 0; --i) {
      const std::size_t place = tile.rows[i] * s.matrix_stride + n;
      float* d_output = sums.output_matrix + (static_cast<std::size_t>(i) * s.states + n) * kWidest;
      float* d_input = sums.input_matrix + (static_cast<std::size_t>(i) * s.states + n) * kWidest;
      g = hn::MulAdd(d_out[i], constant(in.output_matrix[place]), g);
      hn::StoreU(hn::MulAdd(d_out[i], h[i + 1], hn::LoadU(d, d_output)), d, d_output);
      hn::StoreU(hn::MulAdd(g, tile.input[i], hn::LoadU(d, d_input)), d, d_input);
      through[i] = hn::MulAdd(g, constant(in.input_matrix[place]), through[i]);
      g = hn::Mul(g, kept[i]);
      const V decayed = hn::Mul(g, h[i]);
      d_delta[i] = hn::MulAdd(decayed, rate, d_delta[i]);
      d_rate = hn::MulAdd(decayed, tile.delta[i], d_rate);
    }
    hn::StoreU(g, d, d_states + state);
    lanes.add(d_rate, out.rates + static_cast<std::size_t>(n) * s.channels + e);
  }
  for (int i = 0; i < tile.count; ++i) {
    const std::size_t place = tile.rows[i] * s.channels + e;
    lanes.store(hn::MulAdd(skip, d_out[i], hn::Mul(tile.delta[i], through[i])), out.u + place);
    const V d_softplus = hn::MulAdd(through[i], tile.u[i], d_delta[i]);
    lanes.store(hn::Mul(d_softplus, sigmoid(lanes.load(in.steps + place))), out.steps + place);
  }
}

void scan_gradient(const ScanShape& s, const ScanInputs& in, const float* d_y, float* y,
                   const ScanGradients& out, float* memory) {
  const std::size_t apart = states_size(s), lane_sums = static_cast<std::size_t>(kTile) * s.states * kWidest;
  float* states = memory;
  float* d_states = states + apart * (tiles_of(s) + 1);
  const LaneSums sums{d_states + apart, d_states + apart + lane_sums};
  scan_tiles(s, in, y, states, apart);
  std::fill_n(d_states, apart, 0.0f);
  Tile tile;
  for (int index = tiles_of(s) - 1; index >= 0; --index) {
    place_tile(s, index, tile);
    std::fill_n(sums.input_matrix, 2 * lane_sums, 0.0f);
    for_lanes(s.channels, [&](std::size_t e, Lanes lanes) {
      load_tile(s, in, e, lanes, tile);
      return_tile(s, in, tile, e, lanes, states + index * apart, d_states, d_y, out, sums);
    });
    for (int i = 0; i < tile.count; ++i)
      for (int n = 0; n < s.states; ++n) {
        const std::size_t place = tile.rows[i] * s.matrix_stride + n,
                          sum = (static_cast<std::size_t>(i) * s.states + n) * kWidest;
        out.input_matrix[place] = total(hn::LoadU(Floats(), sums.input_matrix + sum));
        out.output_matrix[place] = total(hn::LoadU(Floats(), sums.output_matrix + sum));
      }
  }
}

}  // namespace winnow::train::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace winnow::train {

HWY_EXPORT(convolve);
HWY_EXPORT(convolve_gradient);
HWY_EXPORT(scan_floats);
HWY_EXPORT(scan);
HWY_EXPORT(scan_gradient);

namespace kernels {

void convolve(const ConvolutionShape& shape, const float* x, const float* taps, const float* bias, float* u) {
  HWY_DYNAMIC_DISPATCH(convolve)(shape, x, taps, bias, u);
}
void convolve_gradient(const ConvolutionShape& shape, const float* x, const float* taps, const float* bias,
                       float* d_u, float* d_x, float* d_taps, float* d_bias, float* d_mask) {
  HWY_DYNAMIC_DISPATCH(convolve_gradient)(shape, x, taps, bias, d_u, d_x, d_taps, d_bias, d_mask);
}
std::size_t scan_memory(const ScanShape& shape) { return HWY_DYNAMIC_DISPATCH(scan_floats)(shape); }
void scan(const ScanShape& shape, const ScanInputs& in, float* y, float* memory) {
  HWY_DYNAMIC_DISPATCH(scan)(shape, in, y, memory);
}
void scan_gradient(const ScanShape& shape, const ScanInputs& in, const float* d_y, float* y,
                   const ScanGradients& out, float* memory) {
  HWY_DYNAMIC_DISPATCH(scan_gradient)(shape, in, d_y, y, out, memory);
}

}  // namespace kernels
}  // namespace winnow::train
#endif  // HWY_ONCE
