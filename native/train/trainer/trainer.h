// Trains a classifier step by step. A step is determined by the state, its pictures, its seed and the
// processor's instruction set; how many threads compute it changes nothing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "train/network/network.h"
#include "train/trainer/losses.h"
#include "train/trainer/optimiser.h"

namespace winnow::train {

struct TrainerSettings {
  LossSettings losses;
  OptimiserSettings optimiser;
  int most_images = 0;  // that are computed at once, see batch_pieces.h; 0: as many as memory should hold
};

// Of a step of any kind of model.
struct StepResult {
  Losses losses;
  double gradient_norm = 0.0;
  double accuracy = 0.0;         // share of the images whose best class is their target's
  double tokens_kept = 1.0;      // share of the patches that the last stage kept
  double directions_kept = 1.0;  // share of the scan directions that ran
};

// What of a step its backbone's decisions say.
StepResult count_decisions(const Backbone& backbone);
// That a step's loss is not finite.
Error diverged(std::int64_t step);
// Fails with bad_argument unless there is one aim for each pruning stage.
Status check_stages(const DyvmConfig& config, const LossSettings& losses);
// Fails with bad_argument unless a state is one of these parameters.
Status check_state(const ParameterTable& table, const OptimiserState& state);

// What `device`, "cpu" or "reference", computes with; threads 0: one per core. Fails with bad_argument.
Result<std::unique_ptr<Operations>> make_operations(const std::string& device, int threads);

// pixels [S, S, 3]: RGB bytes -> out [3, S, S], with the means and deviations of the model's input.
void normalise(const DyvmConfig& config, const std::uint8_t* pixels, float* out);

class Trainer {
 public:
  // `device`: "cpu" or "reference". Fails with bad_model, naming the tensor, or bad_argument.
  static Result<std::unique_ptr<Trainer>> create(const DyvmConfig& config, Weights& weights,
                                                 const TrainerSettings& settings, const std::string& device,
                                                 int threads);
  // The frozen model that the student learns from as well: unpruned, of the same sizes.
  Status set_teacher(const DyvmConfig& config, Weights& weights);

  // One step on B >= 1 images. pixels [B, S, S, 3]: RGB bytes; targets [B, classes]: soft labels; `seed`: of
  // the random decisions. Fails with diverged when the loss is not finite: then nothing has changed.
  Result<StepResult> step(const std::uint8_t* pixels, const float* targets, int images, double learning_rate,
                          std::uint64_t seed);
  // input [B, 3, S, S]: already normalised.
  Result<StepResult> step_normalised(const float* input, const float* targets, int images,
                                     double learning_rate, std::uint64_t seed);

  const DyvmConfig& config() const { return student_->config(); }
  const ParameterTable& table() const { return student_->table(); }
  Operations& operations() { return *operations_; }
  // What a later trainer goes on from, bit for bit.
  const OptimiserState& state() const { return state_; }
  // Fails with bad_argument when it is not of this model.
  Status restore(OptimiserState state);
  // Checkpoint tensors of the weights, or of their moving average.
  Weights weights() const { return student_->table().write(state_.weights); }
  Weights averaged_weights() const { return student_->table().write(state_.average); }

  // Memory of the last step: what its gradients had to keep, and all of it without the weights and moments.
  std::size_t kept_bytes() const { return student_->kept_bytes(); }
  std::size_t bytes() const;

 private:
  Trainer(const TrainerSettings& settings) : settings_(settings) {}

  // The result and gradients_ of some images.
  Result<StepResult> learn(const float* input, const float* targets, int images, std::uint64_t seed);

  TrainerSettings settings_;
  std::unique_ptr<Operations> operations_;
  std::unique_ptr<Network> student_, teacher_;
  std::vector<float> teacher_weights_, input_, gradients_;
  OutputGradients output_gradients_;
  OptimiserState state_;
};

}  // namespace winnow::train
