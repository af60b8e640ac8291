#include "train/trainer/dense_trainer.h"

#include <algorithm>
#include <cmath>

namespace winnow::train {
namespace {

constexpr std::size_t kMostKept = std::size_t{2} << 30;  // bytes of frozen maps and of their windows

// Draws that decide as the probabilities do, without chance: all alike.
StepNoise even_draws(const DyvmConfig& config, int images) {
  StepNoise noise = draw_noise(config, images, 0);
  for (auto* draws : {&noise.tokens, &noise.first, &noise.second})
    for (auto& values : *draws) std::fill(values.begin(), values.end(), 1.0f);
  return noise;
}

}  // namespace

Status DenseTrainer::open(const DyvmConfig& config, const std::string& device, int threads) {
  if (const Status matched = check_stages(config, settings_.losses); !matched) return matched;
  auto operations = make_operations(device, threads);
  if (!operations) return operations.error();
  operations_ = std::move(*operations);
  auto network = DenseNetwork::create(config, *operations_);
  if (!network) return network.error();
  network_ = std::move(*network);
  backbone_size_ = table().size();
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
  const int most = settings_.most_images > 0 ? settings_.most_images : most_images(config());
  auto result =
      learn_in_pieces(images, most, seed, gradients_, [&](const Piece& piece, std::uint64_t piece_seed) {
        return learn_piece(pixels + size * piece.first, piece, piece_seed, compare);
      });
  if (!result) return result;
  const bool is_frozen = settings_.optimiser.freezes_backbone;
  result->gradient_norm = take_step(*operations_, table(), settings_.optimiser, learning_rate, gradients_,
                                    state_, is_frozen ? backbone_size_ : 0);
  if (!std::isfinite(result->gradient_norm)) return diverged(state_.steps + 1);
  return result;
}

Result<StepResult> DenseTrainer::learn_piece(const std::uint8_t* pixels, const Piece& piece,
                                             std::uint64_t seed, const Compare& compare) {
  const int images = piece.count;
  const bool is_frozen = settings_.optimiser.freezes_backbone;
  StepResult result;
  const float* map;
  if (is_frozen) {
    map = frozen_maps(pixels, images, result);
  } else {
    set_input(pixels, images);
    const StepNoise noise = draw_noise(config(), images, seed);
    network_->forward(state_.weights, input_.data(), images, &noise);
    map = network_->maps()[0].data();
    result = count_decisions(network_->backbone());
  }
  run_head(state_.weights, map, images);
  DecisionGradients decisions;
  compare(piece, result);
  Losses& parts = result.losses;
  if (!is_frozen) add_decision_losses(settings_.losses, network_->backbone(), parts, decisions);
  parts.total = parts.classification + parts.boxes + parts.quality + parts.masks + parts.token_ratio +
                parts.block_ratio;
  if (!std::isfinite(parts.total)) return diverged(state_.steps + 1);
  gradients_.assign(table().size(), 0.0f);
  d_maps_.resize(1);
  run_backward(map, d_maps_[0], gradients_);
  if (!is_frozen) network_->backward(state_.weights, d_maps_, decisions, gradients_);
  return result;
}

void DenseTrainer::set_input(const std::uint8_t* pixels, int images) {
  const std::size_t size = 3ull * config().image_size * config().image_size;
  input_.resize(size * images);
  operations_->run(images,
                   [&](int b, int) { normalise(config(), pixels + size * b, input_.data() + size * b); });
}

DenseTrainer::FrozenMap DenseTrainer::frozen_map(const std::uint8_t* pixels) {
  set_input(pixels, 1);
  const StepNoise noise = even_draws(config(), 1);
  network_->forward(state_.weights, input_.data(), 1, &noise);
  const StepResult counts = count_decisions(network_->backbone());
  return {network_->maps()[0], counts.tokens_kept, counts.directions_kept};
}

const float* DenseTrainer::frozen_maps(const std::uint8_t* pixels, int images, StepResult& result) {
  const std::size_t size = 3ull * config().image_size * config().image_size,
                    cells = static_cast<std::size_t>(config().patches()) * config().embed_dim;
  frozen_.resize(cells * images);
  result.tokens_kept = result.directions_kept = 0.0;
  for (int b = 0; b < images; ++b) {
    const std::uint8_t* window = pixels + size * b;
    std::string key(reinterpret_cast<const char*>(window), size);
    const auto known = kept_maps_.find(key);
    FrozenMap made;
    if (known == kept_maps_.end()) made = frozen_map(window);
    const FrozenMap& frozen = known == kept_maps_.end() ? made : known->second;
    std::copy(frozen.map.begin(), frozen.map.end(), frozen_.begin() + static_cast<std::ptrdiff_t>(cells * b));
    result.tokens_kept += frozen.tokens_kept / images;
    result.directions_kept += frozen.directions_kept / images;
    const std::size_t bytes = size + cells * sizeof(float);
    if (known != kept_maps_.end() || kept_bytes_ + bytes > kMostKept) continue;
    kept_bytes_ += bytes;
    kept_maps_.emplace(std::move(key), std::move(made));
  }
  return frozen_.data();
}

Status DenseTrainer::restore(OptimiserState state) {
  if (const Status fits = check_state(table(), state); !fits) return fits;
  state_ = std::move(state);
  kept_maps_.clear();
  kept_bytes_ = 0;
  return ok();
}

std::size_t DenseTrainer::bytes() const {
  std::size_t floats = input_.capacity() + gradients_.capacity();
  for (const AlignedFloats& map : d_maps_) floats += map.capacity();
  return network_->bytes() + head_bytes() + (floats + frozen_.capacity()) * sizeof(float) + kept_bytes_;
}

}  // namespace winnow::train
