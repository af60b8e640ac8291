// The scans of a block as attention: which tokens the special tokens take their output from.
#pragma once

#include <cstdint>
#include <vector>

#include "ops/backend.h"

namespace winnow {

// With its step sizes, B and C as they are, a scan is linear in its input u: y_t = sum over s <= t of a_ts
// u_s + D u_t in each channel, with a_ts = sum over n of C_t[n] exp(A[n] (delta_(s+1) + ... + delta_t))
// delta_s B_s[n] (Ali, Zimerman and Wolf, arXiv 2403.01590). stream [tokens, D] before the block, host
// memory, of one image -> [tokens]: for each token s the mean over the channels and the special tokens t of
// |a_ts|, added over the `directions` that ran, backward ones with t and s in the scan's own order. Zeros
// where none ran or there are no special tokens. Plain loops in fp64; all of one block.
std::vector<double> hidden_attention(const BlockWeights& weights, const SpecialTokens& special,
                                     const float* stream, int tokens, std::uint8_t directions);

}  // namespace winnow
