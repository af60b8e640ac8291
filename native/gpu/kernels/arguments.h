// What each kernel is given. The same bytes on the host and on every device: pointers of 64 bits, into the
// device's memory, and numbers of 32 bits.
//
// Letters as in ops/backend.h: B images, L tokens of an image, D embed_dim, E inner width, N state_dim,
// R dt_rank, K conv_width. `Half` is the device's 16-bit number.
#pragma once

#ifndef DEVICE  // the address space of pointers into the device's memory, where a dialect has such
#define DEVICE
#define CONSTANT
#include <stdint.h>
#endif

namespace winnow {
namespace gpu {

// What a launch has to know of how its kernel divides the work.
constexpr CONSTANT int kConvolutionTokens = 16;  // of one thread of convolve_sequences
constexpr CONSTANT int kScanSteps = 8;           // of a chunk of scan_sequences, which shares its B, C and dt
constexpr CONSTANT int kProductTile = 128;       // rows, and outputs, of a block of multiply

struct Half {
  uint16_t bits;
};

// ops/special_tokens.h
struct Special {
  int32_t count, first, step;
};

struct NormalisePixels {
  DEVICE const uint8_t* pixels;  // [B, S, S, 3]
  DEVICE float* out;             // [B, 3, S, S]
  float scale[3], shift[3];      // out = pixel scale + shift
  int32_t area, count;           // S S; B 3 S S
};

struct UnfoldPatches {
  DEVICE const float* images;  // [B, 3, S, S]
  DEVICE Half* out;            // [B M, 3 P P]
  int32_t side, patch, stride, grid;
  int32_t count;  // of values: B M 3 P P
};

struct PlaceTokens {
  DEVICE const float* products;  // [B M, D]
  DEVICE const float* bias;      // [D]
  DEVICE const float* position;  // [M, D]
  DEVICE const float* special;   // [n, D]
  DEVICE float* stream;          // [B, M + n, D]
  Special tokens;
  int32_t patches, dim;
  int32_t count;  // of values: B (M + n) D
};

// Rows of floats to rows of 16-bit numbers: converted, or RMSNorm with `weight`.
struct NormRows {
  DEVICE const float* rows;    // [rows, D]
  DEVICE const float* weight;  // [D], or null: only converted
  DEVICE Half* out;            // [rows, D]
  float epsilon;
  int32_t count, dim;
};

struct DecideDirections {
  DEVICE const float* stream;  // [B, L, D]
  DEVICE const float* norm;    // [D]
  DEVICE const float* gate;    // [2, D], or null: both always run
  DEVICE const float* bias;    // [2]
  DEVICE float* logits;        // [B, 2], or null
  DEVICE uint8_t* directions;  // [B]
  Special special;
  float epsilon, threshold;
  int32_t tokens, dim;
};

struct ConvolveSequences {
  DEVICE const Half* xz;             // [B L, 2E]: x, then z
  DEVICE const float* weight;        // [2, K, E]: per direction, from the oldest step to the step itself
  DEVICE const float* bias;          // [2, E]
  DEVICE const uint8_t* directions;  // [B]
  DEVICE Half* u;                    // [2, B L, E]
  int32_t images, tokens, inner;
};

struct ScanSequences {
  DEVICE const Half* u;              // [2, B L, E]
  DEVICE const Half* xz;             // [B L, 2E]: x, then z
  DEVICE const float* projected;     // [2, B L, R + 2N]: dt, B, C
  DEVICE const float* a;             // [2, N, E]: -exp(a_log) log2(e)
  DEVICE const float* dt_weight;     // [2, R, E]
  DEVICE const float* dt_bias;       // [2, E]
  DEVICE const float* d;             // [2, E]
  DEVICE const uint8_t* directions;  // [B]
  DEVICE float* partial;             // [B L, E], of the kernels for long sequences; else null
  DEVICE Half* y;                    // [B L, E]
  int32_t images, tokens, inner, states, rank;
};

struct NormSpecial {
  DEVICE const float* stream;  // [B, L, D]
  DEVICE const float* weight;  // [D]
  DEVICE float* out;           // [B, n, D]
  Special special;
  float epsilon;
  int32_t tokens, dim;
};

struct NormPatches {
  DEVICE const float* stream;  // [B, L, D]
  DEVICE const float* weight;  // [D]
  DEVICE const float* bias;    // [D]
  DEVICE float* out;           // [B, L - n, D]
  Special special;
  float epsilon;
  int32_t patches, dim;
  int32_t rows;  // B patches
};

// out = activation(out + bias), in place on rows.
struct Activate {
  DEVICE float* rows;        // [rows, D]
  DEVICE const float* bias;  // [D], or null
  int32_t activation;        // 0 none, 1 GELU, 2 ReLU
  int32_t count, dim;        // values in all
};

struct AddRows {
  DEVICE const float* from;
  DEVICE float* to;
  int32_t count;
};

struct PoolSecondHalf {
  DEVICE float* x;  // [B, n, D]
  int32_t rows, dim;
};

struct KeepScores {
  DEVICE const float* pairs;  // [count, 2]
  DEVICE float* scores;       // [count]
  int32_t count;
};

struct KeepBest {
  DEVICE const float* scores;  // [B, n]
  DEVICE int32_t* kept;        // [B, k]
  int32_t patches, keep;
};

struct GatherTokens {
  DEVICE const float* stream;  // [B, L, D]
  DEVICE const int32_t* kept;  // [B, k]
  DEVICE float* out;           // [B, k + n, D]
  Special special, moved;
  int32_t tokens, keep, dim;
  int32_t count;  // of values: B (k + n) D
};

struct RotateTokens {
  DEVICE float* tokens;           // [B, L, D]
  DEVICE const int32_t* indices;  // [B, L]
  DEVICE const float* cosines;    // [positions, D / 4]
  DEVICE const float* sines;
  int32_t rows, dim, grid;
};

struct ScatterTokens {
  DEVICE const float* tokens;     // [B, k, D]
  DEVICE const int32_t* indices;  // [B, k]
  DEVICE float* out;              // [B, M, D]
  int32_t keep, patches, dim;
  int32_t count;  // of values: B k D
};

// out = exp2(-exp2(-... x)), `rounds` times 8.
struct Exponentiate {
  DEVICE const float* x;
  DEVICE float* out;
  int32_t count, rounds;
};

// The built-in matrix product; see WinnowGpuProduct.
struct Multiply {
  DEVICE const Half* x;
  DEVICE const Half* w;
  DEVICE void* out;
  int64_t x_step, w_step, out_step;
  float scale, keep;
  int32_t rows, inputs, outputs, out_is_fp32;
};

// --- Feature maps: [B, H, W, C] as in ops/backend.h; `rows`, `columns` are of the map that is written. ---

// From a map [B, height, width, C] to one [B, rows, columns, C].
struct ChangeMap {
  DEVICE const float* x;
  DEVICE float* out;
  int32_t height, width, rows, columns, channels;
  int32_t add;  // of resize_map: 1 adds to what is there
};

// The channels of a map to their place among those of another, out [pixels, all].
struct PlaceChannels {
  DEVICE const float* x;  // [pixels, channels]
  DEVICE float* out;      // to its first channel
  int32_t pixels, channels, all;
};

struct NormChannels {
  DEVICE const float* x;       // [pixels, C]
  DEVICE const float* weight;  // [C]
  DEVICE const float* bias;    // [C]
  DEVICE float* out;           // [pixels, C], or x
  float epsilon;
  int32_t activation, pixels, channels;
};

// The K x K pixels around each of `pixels` pixels from the `first` on, as rows of a matrix; K is `window`, as
// kernel is a word of Metal's.
struct UnfoldMap {
  DEVICE const float* x;  // [B, height, width, C]
  DEVICE Half* out;       // [pixels, K, K, C]
  int32_t height, width, channels, window, first, pixels;
};

// Products of `pixels` pixels from the `first` on to the 2 x 2 pixels that each becomes.
struct PlaceQuarters {
  DEVICE const float* products;  // [pixels, 2, 2, C]
  DEVICE const float* bias;      // [C], or null
  DEVICE float* out;             // [B, 2 height, 2 width, C]
  int32_t activation, height, width, channels, first, pixels;
};

// Where ROIAlign samples a box: ops/roi_axis.h along rows, then along columns.
struct RoiPlace {
  float start[2], width[2];
  int32_t samples[2];
  int32_t level;
};

struct AlignRois {
  DEVICE const float* maps[8];  // of the levels, [height, width, C]
  int32_t heights[8], widths[8];
  DEVICE const RoiPlace* indices;  // [count]
  DEVICE float* out;               // [count, side, side, C]
  int32_t side, channels;
};

struct AddResizedTaps {
  DEVICE const float* taps;  // [B, height, width, 9, C]
  DEVICE float* out;         // [B, rows, columns, C]
  int32_t activation, height, width, rows, columns, channels;
};

// ops/sliding_windows.h
struct LabelPixels {
  DEVICE const float* maps;      // [tops lefts, map_height, map_width, C]
  DEVICE const int32_t* starts;  // of windows: `tops` of their rows, then `lefts` of their columns
  DEVICE uint16_t* classes;      // [pixels]: rows of `width`, from first_row on
  int32_t tops, lefts, side, picture_height, picture_width;
  int32_t map_height, map_width, channels;
  int32_t height, width, first_row, pixels;
};

}  // namespace gpu
}  // namespace winnow
