// The vector kernels of the cpu backend, compiled for every instruction set and chosen at run time by
// Highway.
//
// Rows of channels are `stride` floats apart where a stride is given; channel counts are then multiples of
// kLanes, padded with zero weights, so that no kernel has a tail.
#pragma once

#include <cstddef>
#include <cstdint>

namespace winnow::cpu {

inline constexpr int kLanes = 16;  // fp32 lanes of the widest vectors that are dispatched to

inline int padded(int channels) { return (channels + kLanes - 1) / kLanes * kLanes; }

// Place of channel e in such a table, at its first value; the next value is kLanes further.
inline std::size_t table_place(int e, int values) {
  return static_cast<std::size_t>(e / kLanes) * values * kLanes + e % kLanes;
}

std::int64_t kernel_target();  // the Highway target that the dispatch uses

// --- Rows ---

// out[r] = x[r] / sqrt(mean(x[r]^2) + epsilon) * weight for `rows` dense rows of `dim` values.
void rms_norm(const float* x, const float* weight, float epsilon, int rows, int dim, float* out);
// out[r] = (x[r] - mean) / sqrt(variance + epsilon) * weight + bias.
void layer_norm(const float* x, const float* weight, const float* bias, float epsilon, int rows, int dim,
                float* out);
float dot(const float* a, const float* b, int n);
void add(const float* x, float* sum, int n);  // sum += x
void gelu(float* x, std::size_t n);           // in place, x Phi(x) through erf
// out[c, i] = pixels[i, c] * scale[c] + shift[c] for `n` RGB pixels.
void normalise(const std::uint8_t* pixels, const float scale[3], const float shift[3], int n, float* out);

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

// u[t] = SiLU(causal depthwise convolution of x) for tokens begin <= t < end of a sequence x [tokens,
// stride]; causal towards the end of the sequence where `backward`.
void convolve(const ScanParameters& p, const float* x, int tokens, int begin, int end, bool backward,
              float* u);

// One image's scan of one direction over channels begin <= e < end (multiples of kLanes):
//   delta = softplus(dt_weight dt + dt_bias); h = exp2(delta decay) h + delta u B; y = C h + D u.
// u, y, z [tokens, stride]; projected [tokens, R + 2N] holds dt, B, C. y is written, or added to with
// `accumulate`; where z is given the sum is then multiplied with SiLU(z).
void scan(const ScanParameters& p, const float* u, const float* projected, int tokens, bool backward,
          int begin, int end, bool accumulate, const float* z, float* y, float* states);

}  // namespace winnow::cpu
