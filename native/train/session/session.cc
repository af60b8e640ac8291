#include "train/session/session.h"

#include <algorithm>
#include <exception>

#include "train/network/initial_weights.h"
#include "train/session/training_file.h"

namespace winnow::train {
namespace {

// A package's weights and what they are of.
struct Package {
  DyvmConfig config;
  Weights weights;
};
Result<Package> open_package(const std::string& path) {
  auto weights = Weights::open(path);
  if (!weights) return weights.error();
  const auto config = read_manifest(weights->metadata("winnow"));
  if (!config) return config.error();
  return Package{*config, std::move(*weights)};
}

// Those that training starts from; empty where all are to be made anew.
Result<Weights> starting_weights(const SessionSetup& setup, const DyvmConfig& config) {
  if (setup.parent.empty() || !setup.state.empty()) return Weights();
  auto parent = open_package(setup.parent);
  if (!parent) return parent.error();
  return inherit(config, parent->config, parent->weights);
}

Error failed(const char* wanted, const std::exception& problem) {
  return {ErrorCode::engine, std::string("Expected ") + wanted + ", but: " + problem.what() + "."};
}

}  // namespace

Result<std::unique_ptr<Session>> Session::open(const SessionSetup& setup) {
  try {
    auto settings = read_training_settings(setup.settings);
    if (!settings) return settings.error();
    const DyvmConfig& config = settings->config;
    auto weights = starting_weights(setup, config);
    if (!weights) return weights.error();
    auto trainer = make_task_trainer(*settings, *weights, setup.seed, setup.device, setup.threads);
    if (!trainer) return trainer.error();
    std::unique_ptr<Session> session(new Session);
    session->settings_ = *settings;
    session->trainer_ = std::move(*trainer);
    if (!setup.teacher.empty())
      if (const Status set = session->set_teacher(setup.teacher); !set) return set.error();
    if (!setup.state.empty()) {
      auto state = load_state(setup.state, config, session->trainer_->table().size());
      if (!state) return state.error();
      if (const Status restored = session->trainer_->restore(std::move(*state)); !restored)
        return restored.error();
    }
    return session;
  } catch (const std::exception& problem) {
    return failed("to make a training ready", problem);
  }
}

Status Session::set_teacher(const std::string& path) {
  auto package = open_package(path);
  if (!package) return package.error();
  const DyvmConfig teacher = without_pruning(package->config), &student = settings_.config;
  if (!std::equal(teacher.mean, teacher.mean + 3, student.mean) ||
      !std::equal(teacher.std, teacher.std + 3, student.std))
    return Error{ErrorCode::bad_argument,
                 "Expected a teacher with the student's means and deviations of pixels, but they differ."};
  auto weights = inherit(teacher, package->config, package->weights);
  if (!weights) return weights.error();
  return trainer_->set_teacher(teacher, *weights);
}

Result<StepResult> Session::step(const std::vector<TrainingExample>& examples, double learning_rate,
                                 std::uint64_t seed) {
  try {
    return trainer_->step(examples, learning_rate, seed);
  } catch (const std::exception& problem) {
    return failed("a training step", problem);
  }
}

Status Session::save_state(const std::string& path) const {
  try {
    return train::save_state(path, settings_.config, trainer_->state());
  } catch (const std::exception& problem) {
    return failed("to save a training", problem);
  }
}

Status Session::save_weights(const std::string& path, bool averaged) const {
  try {
    const OptimiserState& state = trainer_->state();
    return train::save_weights(path, trainer_->table(), averaged ? state.average : state.weights);
  } catch (const std::exception& problem) {
    return failed("to save a model", problem);
  }
}

}  // namespace winnow::train
