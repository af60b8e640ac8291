// AdamW (arXiv 1711.05101) with a moving average of the weights, and the learning rate's schedule.
#pragma once

#include <cstdint>
#include <vector>

#include "train/network/parameters.h"
#include "train/operations/operations.h"

namespace winnow::train {

// Defaults are those of DyVM's scripts.
struct OptimiserSettings {
  double weight_decay = 1e-8;  // of the parameters that decay
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double largest_norm = 0.0;  // longer gradients are shortened to it; 0: never
  double average_decay = 0.99996;
  bool freezes_backbone = false;  // of dense models: the head alone learns
};

// All that a run goes on from, one number per parameter each.
struct OptimiserState {
  std::vector<float> weights, first_moment, second_moment, average;
  std::int64_t steps = 0;
};

// A state at its start.
OptimiserState start_from(std::vector<float> weights);

// One step along the gradient, or none when its norm is not finite; parameters in front of offset `first`
// stay as they are. Returns the norm before any shortening.
double take_step(Operations& operations, const ParameterTable& table, const OptimiserSettings& settings,
                 double learning_rate, const std::vector<float>& gradient, OptimiserState& state,
                 std::size_t first = 0);

// Cosine with warm-up: from `warm_up_rate` straight up to `rate` over the first steps, then along a half
// cosine that ends at `least_rate` after all steps.
struct Schedule {
  double rate = 3e-5, warm_up_rate = 1e-5, least_rate = 1e-6;
  std::int64_t warm_up_steps = 0, steps = 1;

  double at(std::int64_t step) const;
};

}  // namespace winnow::train
