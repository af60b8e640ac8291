// Trains a model of any task: what differs between tasks stands behind this.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "train/session/examples.h"
#include "train/session/training_settings.h"

namespace winnow::train {

class TaskTrainer {
 public:
  virtual ~TaskTrainer() = default;

  // Varies the pictures and learns from them. `seed`: of the variation and of the random decisions. Fails
  // with bad_argument for what cannot be learned from, and with diverged when the loss is not finite: then
  // nothing has changed.
  virtual Result<StepResult> step(const std::vector<TrainingExample>& examples, double learning_rate,
                                  std::uint64_t seed) = 0;
  // See Trainer::set_teacher. Fails with bad_argument for tasks that learn from none.
  virtual Status set_teacher(const DyvmConfig& config, Weights& weights) = 0;

  virtual const ParameterTable& table() const = 0;
  virtual const OptimiserState& state() const = 0;
  // Fails with bad_argument when it is not of this model.
  virtual Status restore(OptimiserState state) = 0;
};

// `weights`: those that training starts from; what they lack is made anew, determined by `seed`. Fails with
// bad_model, naming the tensor, or bad_argument.
Result<std::unique_ptr<TaskTrainer>> make_task_trainer(const TrainingSettings& settings, Weights& weights,
                                                       std::uint64_t seed, const std::string& device,
                                                       int threads);

}  // namespace winnow::train
