#include "train/trainer/optimiser.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace winnow::train {

OptimiserState start_from(std::vector<float> weights) {
  OptimiserState state;
  state.first_moment.assign(weights.size(), 0.0f);
  state.second_moment.assign(weights.size(), 0.0f);
  state.average = weights;
  state.weights = std::move(weights);
  return state;
}

double take_step(Operations& operations, const ParameterTable& table, const OptimiserSettings& settings,
                 double learning_rate, const std::vector<float>& gradient, OptimiserState& state,
                 std::size_t first) {
  const double norm = std::sqrt(operations.sum_of_squares(gradient.size(), gradient.data()));
  if (!std::isfinite(norm)) return norm;
  ++state.steps;
  const auto steps = static_cast<double>(state.steps);
  const bool shortened = settings.largest_norm > 0.0 && norm > settings.largest_norm;
  Adam adam{static_cast<float>(learning_rate),
            static_cast<float>(settings.beta1),
            static_cast<float>(settings.beta2),
            static_cast<float>(settings.epsilon),
            0.0f,
            static_cast<float>(1.0 - std::pow(settings.beta1, steps)),
            static_cast<float>(1.0 - std::pow(settings.beta2, steps)),
            shortened ? static_cast<float>(settings.largest_norm / (norm + 1e-6)) : 1.0f,
            static_cast<float>(settings.average_decay)};
  const auto& parameters = table.parameters();
  operations.run(static_cast<int>(parameters.size()), [&](int index, int) {
    const Parameter& parameter = parameters[index];
    const std::size_t offset = parameter.offset;
    if (offset < first) return;
    Adam own = adam;
    if (parameter.decays) own.weight_decay = static_cast<float>(settings.weight_decay);
    operations.adam(own, parameter.size, gradient.data() + offset, state.weights.data() + offset,
                    state.first_moment.data() + offset, state.second_moment.data() + offset,
                    state.average.data() + offset);
  });
  return norm;
}

double Schedule::at(std::int64_t step) const {
  if (step < warm_up_steps)
    return warm_up_rate +
           (rate - warm_up_rate) * static_cast<double>(step) / static_cast<double>(warm_up_steps);
  const double done = std::clamp(static_cast<double>(step) / static_cast<double>(steps), 0.0, 1.0);
  return least_rate + 0.5 * (rate - least_rate) * (1.0 + std::cos(std::numbers::pi * done));
}

}  // namespace winnow::train
