// What the benchmark alone launches: the pace of the units that the scan waits for.
#pragma once

#include "gpu/kernels/dialect.h"

namespace winnow {
namespace gpu {

// A thread for each value: eight exponentials that do not wait for each other, `rounds` times.
KERNEL(exponentiate, Exponentiate) {
  const int i = int(block.x * threads + thread_id);
  if (i >= a.count) return;
  float values[8];
  UNROLL for (int k = 0; k < 8; ++k) values[k] = a.x[i] + float(k);
  for (int round = 0; round < a.rounds; ++round) {
    UNROLL for (int k = 0; k < 8; ++k) values[k] = fast_exp2(-values[k]);
  }
  float sum = 0.0f;
  UNROLL for (int k = 0; k < 8; ++k) sum += values[k];
  a.out[i] = sum;
}

}  // namespace gpu
}  // namespace winnow
