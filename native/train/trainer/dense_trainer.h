// What the trainers of dense models share: a backbone that makes a map of every image, a head over it, and
// the state that steps change. A step is determined by the state, its pictures, its seed and the processor's
// instruction set; how many threads compute it changes nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "train/network/dense_network.h"
#include "train/trainer/batch_pieces.h"
#include "train/trainer/trainer.h"

namespace winnow::train {

class DenseTrainer {
 public:
  virtual ~DenseTrainer() = default;

  const DyvmConfig& config() const { return network_->config(); }
  const ParameterTable& table() const { return network_->table(); }
  Operations& operations() { return *operations_; }
  // What a later trainer goes on from, bit for bit.
  const OptimiserState& state() const { return state_; }
  // Fails with bad_argument when it is not of this model.
  Status restore(OptimiserState state);
  // Checkpoint tensors of the weights, or of their moving average.
  Weights weights() const { return table().write(state_.weights); }
  Weights averaged_weights() const { return table().write(state_.average); }

  // Memory of the last step without the weights and moments.
  std::size_t bytes() const;

 protected:
  explicit DenseTrainer(const TrainerSettings& settings) : settings_(settings) {}

  // The network, to whose parameters the head then adds its own; and their values. Both fail with bad_model,
  // naming the tensor, or bad_argument.
  Status open(const DyvmConfig& config, const std::string& device, int threads);
  Status start(Weights& weights);

  // One step on B >= 1 windows, pixels [B, S, S, 3]: RGB bytes. `compare` adds the losses of what the head
  // says of a piece of them to the result, and keeps their gradients for run_backward. Fails with
  // bad_argument without images, and with diverged when the loss is not finite: then nothing has changed.
  using Compare = std::function<void(const Piece& piece, StepResult& result)>;
  Result<StepResult> learn(const std::uint8_t* pixels, int images, double learning_rate, std::uint64_t seed,
                           const Compare& compare);

  // The head: map [B, g, g, D] -> what it says; and back to d_map [B, g, g, D] and the gradients of its
  // parameters, over what is there.
  virtual void run_head(const std::vector<float>& weights, const float* map, int images) = 0;
  virtual void run_backward(const float* map, AlignedFloats& d_map, std::vector<float>& gradients) = 0;
  virtual std::size_t head_bytes() const = 0;

  DenseNetwork& network() { return *network_; }
  const LossSettings& losses() const { return settings_.losses; }

 private:
  // The result and gradients_ of a piece, whose pixels these are.
  Result<StepResult> learn_piece(const std::uint8_t* pixels, const Piece& piece, std::uint64_t seed,
                                 const Compare& compare);
  // The map of a window that a frozen backbone made, [g, g, D], and the shares of patches and directions.
  struct FrozenMap {
    AlignedFloats map;
    double tokens_kept, directions_kept;
  };
  // pixels [B, S, S, 3] -> input_, normalised.
  void set_input(const std::uint8_t* pixels, int images);
  // Maps of windows by a backbone that does not learn, which decides without chance: [B, g, g, D]. Those of
  // windows that come again are kept, up to kMostKept bytes.
  const float* frozen_maps(const std::uint8_t* pixels, int images, StepResult& result);
  FrozenMap frozen_map(const std::uint8_t* pixels);

  TrainerSettings settings_;
  std::unique_ptr<Operations> operations_;
  std::unique_ptr<DenseNetwork> network_;
  std::vector<float> input_, gradients_;
  std::vector<AlignedFloats> d_maps_;
  OptimiserState state_;
  std::unordered_map<std::string, FrozenMap> kept_maps_;  // by the pixels of their windows
  std::size_t kept_bytes_ = 0;
  AlignedFloats frozen_;
  std::size_t backbone_size_ = 0;  // parameters, in front of the head's
};

}  // namespace winnow::train
