// What each kernel is given. The same bytes on the host and on every device: pointers of 64 bits, into the
// device's memory, and numbers of 32 bits.
//
// Letters as in ops/backend.h: B images, L tokens of an image, D embed_dim, E inner width, N state_dim,
// R dt_rank, K conv_width. `Half` is the device's 16-bit number.
#pragma once

#ifndef DEVICE  // the address space of pointers into the device's memory, where a dialect has such
#define DEVICE
#include <stdint.h>
#endif

namespace winnow {
namespace gpu {

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
  DEVICE float* tokens;          // [B, L, D]
  DEVICE const int32_t* places;  // [B, L]
  DEVICE const float* cosines;   // [positions, D / 4]
  DEVICE const float* sines;
  int32_t rows, dim, grid;
};

struct ScatterTokens {
  DEVICE const float* tokens;    // [B, k, D]
  DEVICE const int32_t* places;  // [B, k]
  DEVICE float* out;             // [B, M, D]
  int32_t keep, patches, dim;
  int32_t count;  // of values: B k D
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

}  // namespace gpu
}  // namespace winnow
