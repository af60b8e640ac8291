// Which patches survive a pruning stage, to the last tie.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>

namespace winnow {

// log softmax of (keep, drop) at keep, rounded to fp32 after every step as PyTorch does. Scores of patches
// that differ little become equal by that rounding, so a more accurate formula would choose other patches.
inline float keep_score(float keep, float drop) {
  const float largest = std::max(keep, drop);
  return keep - largest - std::log(std::exp(keep - largest) + std::exp(drop - largest));
}

// Writes the indices of the k best of n scores into the first k of `order` [n], ascending. Among equal scores
// the choice is that of PyTorch's topk on a processor: the standard library's partial sort for 64 k <= n, its
// nth_element otherwise, on the patches in raster order. (With libstdc++, as PyTorch is built on Linux, it is
// the same choice.)
inline void keep_best(const float* scores, int n, int k, std::int32_t* order) {
  const auto better = [scores](std::int32_t i, std::int32_t j) { return scores[i] > scores[j]; };
  std::iota(order, order + n, 0);
  if (k * 64 <= n)
    std::partial_sort(order, order + k, order + n, better);
  else
    std::nth_element(order, order + k - 1, order + n, better);
  std::sort(order, order + k);
}

}  // namespace winnow
