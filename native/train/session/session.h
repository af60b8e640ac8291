// A training as the app has it: pictures in, files out. One call at a time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "train/session/task_trainer.h"

namespace winnow::train {

// As TrainerSetup of electron/shared/trainer-api.ts says; paths are empty where there is no such file.
struct SessionSetup {
  std::string settings;                // JSON; see training_settings.h
  std::string parent, teacher, state;  // packages, and a file of save_state
  std::uint64_t seed = 0;              // of weights that are made anew
  std::string device;
  int threads = 0;  // 0: one per core
};

class Session {
 public:
  // Weights are those of `state`; without one those of `parent` and new ones for what it lacks; without
  // either all new. Fails with bad_model, bad_argument or engine.
  static Result<std::unique_ptr<Session>> open(const SessionSetup& setup);

  // See TaskTrainer.
  Result<StepResult> step(const std::vector<TrainingExample>& examples, double learning_rate,
                          std::uint64_t seed);
  // See training_file.h.
  Status save_state(const std::string& path) const;
  Status save_weights(const std::string& path, bool averaged) const;

  const TaskTrainer& trainer() const { return *trainer_; }

 private:
  Session() = default;
  Status set_teacher(const std::string& path);

  TrainingSettings settings_;
  std::unique_ptr<TaskTrainer> trainer_;
};

}  // namespace winnow::train
