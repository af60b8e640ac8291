#include "train/trainer/dense_trainer.h"

#include <cmath>

namespace winnow::train {

Status DenseTrainer::open(const DyvmConfig& config, const std::string& device, int threads) {
  if (const Status matched = check_stages(config, settings_.losses); !matched) return matched;
  auto operations = make_operations(device, threads);
  if (!operations) return operations.error();
  operations_ = std::move(*operations);
  auto network = DenseNetwork::create(config, *operations_);
  if (!network) return network.error();
  network_ = std::move(*network);
  return ok();
}

Status DenseTrainer::start(Weights& weights) {
  auto values = table().read(weights);
  if (!values) return values.error();
  state_ = start_from(std::move(*values));
  return ok();
}

Result<StepResult> DenseTrainer::learn(const std::uint8_t* pixels, int images, double learning_rate,
                                       std::uint64_t seed, const Compare& compare) {
  if (images < 1)
    return Error{ErrorCode::bad_argument,
                 "Expected at least one image in a training step, but there is none."};
  const std::size_t size = 3ull * config().image_size * config().image_size;
  input_.resize(size * images);
  operations_->run(images,
                   [&](int b, int) { normalise(config(), pixels + size * b, input_.data() + size * b); });
  const StepNoise noise = draw_noise(config(), images, seed);
  network_->forward(state_.weights, input_.data(), images, &noise);
  const float* map = network_->maps()[0].data();
  run_head(state_.weights, map, images);

  StepResult result = count_decisions(network_->backbone());
  DecisionGradients decisions;
  compare(result);
  Losses& parts = result.losses;
  add_decision_losses(settings_.losses, network_->backbone(), parts, decisions);
  parts.total = parts.classification + parts.boxes + parts.quality + parts.masks + parts.token_ratio +
                parts.block_ratio;
  if (!std::isfinite(parts.total)) return diverged(state_.steps + 1);
  gradients_.assign(table().size(), 0.0f);
  d_maps_.resize(1);
  run_backward(map, d_maps_[0], gradients_);
  network_->backward(state_.weights, d_maps_, decisions, gradients_);
  result.gradient_norm =
      take_step(*operations_, table(), settings_.optimiser, learning_rate, gradients_, state_);
  if (!std::isfinite(result.gradient_norm)) return diverged(state_.steps + 1);
  return result;
}

Status DenseTrainer::restore(OptimiserState state) {
  if (const Status fits = check_state(table(), state); !fits) return fits;
  state_ = std::move(state);
  return ok();
}

std::size_t DenseTrainer::bytes() const {
  std::size_t floats = input_.capacity() + gradients_.capacity();
  for (const AlignedFloats& map : d_maps_) floats += map.capacity();
  return network_->bytes() + head_bytes() + floats * sizeof(float);
}

}  // namespace winnow::train
