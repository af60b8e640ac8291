// The vector kernels of the cpu backend, compiled for every instruction set and chosen at run time by
// Highway.
//
// Rows of channels are `stride` floats apart where a stride is given; channel counts are then multiples of
// kLanes, padded with zero weights, so that no kernel has a tail.
#pragma once

#include <cstddef>
#include <cstdint>

namespace winnow::cpu {

// The upper half of an fp32 number, rounded to nearest; of two that are as near, away from zero.
struct BFloat16 {
  std::uint16_t bits;
};

inline constexpr int kLanes = 16;  // fp32 lanes of the widest vectors that are dispatched to

inline int padded(int channels) { return (channels + kLanes - 1) / kLanes * kLanes; }

// Offset of channel e in such a table, at its first value; the next value is kLanes further.
inline std::size_t table_offset(int e, int values) {
  return static_cast<std::size_t>(e / kLanes) * values * kLanes + e % kLanes;
}

std::int64_t kernel_target();  // the Highway target that the dispatch uses

// --- Rows ---

// out[r] = x[r] / sqrt(mean(x[r]^2) + epsilon) * weight for `rows` dense rows of `dim` values.
void rms_norm(const float* x, const float* weight, float epsilon, int rows, int dim, float* out);
void rms_norm(const float* x, const float* weight, float epsilon, int rows, int dim, BFloat16* out);
// q [rows, dim] = round(x / scales[r]) with scales[r] = max |x[r]| / 127, for rows of `dim` values that lie
// `stride` apart.
void quantise(const float* x, int rows, int dim, int stride, std::int8_t* q, float* scales);
void quantise(const BFloat16* x, int rows, int dim, int stride, std::int8_t* q, float* scales);
// sum[r] += x[r] * scales[r].
void add_scaled_rows(const float* x, const float* scales, int rows, int dim, float* sum);
// out[r] = (x[r] - mean) / sqrt(variance + epsilon) * weight + bias.
void layer_norm(const float* x, const float* weight, const float* bias, float epsilon, int rows, int dim,
                float* out);
float dot(const float* a, const float* b, int n);
// sums[i] += sum over rows of gates[i] . x[r] / sqrt(mean(x[r]^2) + epsilon), for gates [2, dim].
void add_gate_sums(const float* x, const float* gates, float epsilon, int rows, int dim, double sums[2]);
// Pairs of values x[2q], x[2q+1] rotated by the angles of these cosines and sines [pairs].
void rotate_pairs(float* x, const float* cosines, const float* sines, int pairs);
void add(const float* x, float* sum, int n);  // sum += x
void gelu(float* x, std::size_t n);           // in place, x Phi(x) through erf
void relu(float* x, std::size_t n);           // in place, max(x, 0)
// The first index of the largest of (1 - share) a + share b, for n >= 1 values.
int best_between(const float* a, const float* b, float share, int n);
// out[c, i] = pixels[i, c] * scale[c] + shift[c] for `n` RGB pixels.
void normalise(const std::uint8_t* pixels, const float scale[3], const float shift[3], int n, float* out);

// --- Feature maps ---

// A pixel's channels and how much they count.
struct Term {
  const float* pixel;
  float weight;
};

// out = sum over the terms of weight * pixel, for `channels` values; or out += that sum.
void weighted_sum(const Term* terms, int count, int channels, bool add, float* out);
// out = the largest of four pixels.
void largest(const float* const pixels[4], int channels, float* out);
void round_to_bf16(const float* x, std::size_t n, BFloat16* out);

// --- The selective scan ---

// A direction's parameters. Tables of several values per channel are cut into blocks of kLanes channels, each
// block in one piece: [stride / kLanes, values, kLanes].
struct ScanParameters {
  const float* conv_weight;  // K values
  const float* conv_bias;    // [stride]
  const float* dt_weight;    // R values
  const float* dt_bias;      // [stride]
  const float* decay;        // N values: -exp(a_log) log2(e), so that exp(delta A) = exp2(delta decay)
  const float* steepest;     // [stride]: the smallest decay of the channel
  const float* d;            // [stride]
  int stride, conv_width, dt_rank, state_dim;
};

// Tokens begin <= t < end of a sequence of one image.
struct ConvolutionRange {
  int tokens, begin, end;
  bool backward;        // causal towards the end of the sequence
  const float* scales;  // [tokens]: what the rows of x are still to be multiplied with; or null
};

// u[t] = SiLU(causal depthwise convolution of x) for the tokens of the range; x, u [tokens, stride].
void convolve(const ScanParameters& p, const ConvolutionRange& range, const float* x, float* u);
void convolve(const ScanParameters& p, const ConvolutionRange& range, const BFloat16* x, BFloat16* u);

// What a scan goes over: channels begin <= e < end (multiples of kLanes) of one image, along one direction.
struct ScanRange {
  int tokens, begin, end;
  bool backward;
  const float* projected;  // [tokens, R + 2N]: dt, B, C
  const float* z_scales;   // [tokens]: what the rows of z are still to be multiplied with; or null
  float* states;           // memory for N (end - begin) floats
};

// delta = softplus(dt_weight dt + dt_bias); h = exp2(delta decay) h + delta u B; sum = C h + D u, and
//   the first of two directions: `sums` [tokens, end - begin] = sum;  z and y are null
//   the second: y = (sums + sum) SiLU(z);                             an only one: y = sum SiLU(z), sums null
// u, y, z [tokens, stride]. bf16 numbers are computed in fp32, the exponential to 1e-4 instead of 1e-7.
void scan(const ScanParameters& p, const ScanRange& range, const float* u, float* sums, const float* z,
          float* y);
void scan(const ScanParameters& p, const ScanRange& range, const BFloat16* u, float* sums, const BFloat16* z,
          BFloat16* y);

}  // namespace winnow::cpu
