// Trainings of tests that read and write files.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "train/session/session.h"

namespace winnow::train {

inline SessionSetup setup_of(const nlohmann::json& settings, const char* device = "reference") {
  SessionSetup setup;
  setup.settings = settings.dump();
  setup.seed = 3;
  setup.device = device;
  return setup;
}

// Of a tiny dense model of two classes whose pruning is on; `own`: its task and head.
inline nlohmann::json dense_settings(const nlohmann::json& own) {
  nlohmann::json manifest = {{"format", 1},
                             {"name", "tiny"},
                             {"architecture", "vim"},
                             {"imageSize", 32},
                             {"patchSize", 8},
                             {"stride", 8},
                             {"embedDim", 16},
                             {"depth", 2},
                             {"stateDim", 4},
                             {"convWidth", 4},
                             {"dtRank", 1},
                             {"classes", 2},
                             {"blockSelection", true},
                             {"pruningLayers", {1}},
                             {"tokenKeep", {0.5}},
                             {"halveDirections", true},
                             {"rotary", false},
                             {"preprocessing", {{"mean", {0.5, 0.5, 0.5}}, {"std", {0.25, 0.25, 0.25}}}}};
  manifest.update(own);
  return {{"manifest", manifest.dump()},
          {"losses",
           {{"classification", 1},
            {"tokenRatio", 10},
            {"blockRatio", 10},
            {"distillClass", 0},
            {"distillToken", 0},
            {"tokenKeep", {0.5}},
            {"blockKeep", 0.8}}},
          {"optimiser", {{"weightDecay", 0.01}, {"largestNorm", 1}, {"averageDecay", 0.9}}},
          {"augmentation",
           {{"crop", {{"kind", "window"}, {"leastScale", 0.8}, {"largestScale", 1.25}}},
            {"flip", true},
            {"colourJitter", 0.2},
            {"randAugment", {{"operations", 0}, {"magnitude", 0}}},
            {"erasing", 0},
            {"mixup", 0},
            {"cutMix", 0},
            {"smoothing", 0}}}};
}

// A folder that is gone with the test.
struct Folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() /
                               ("winnow-session-" + std::to_string(reinterpret_cast<std::uintptr_t>(this)));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const char* name) const { return (path / name).string(); }
};

// What a step on one example is refused with: a bad argument.
inline std::string refusal_of(Session& session, const TrainingExample& example) {
  const auto result = session.step({example}, 1e-2, 0);
  REQUIRE(!result);
  CHECK(result.error().code == ErrorCode::bad_argument);
  return result.error().message;
}

inline std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Steps 0 to 40 by `learn`, with a stop behind step 15, lead to the same bytes as in the file `whole`, and
// its state in `half` is not one of a model with `other` settings, whose head differs.
template <typename Learn>
void check_goes_on(const Folder& folder, const nlohmann::json& settings, const nlohmann::json& other,
                   const Learn& learn) {
  auto first = Session::open(setup_of(settings, "cpu"));
  REQUIRE(first);
  learn(**first, 0, 15);
  REQUIRE((*first)->save_state(folder.file("half")));
  SessionSetup resumed = setup_of(settings, "cpu");
  resumed.state = folder.file("half");
  resumed.seed = 99;  // of weights that the state replaces
  auto second = Session::open(resumed);
  REQUIRE(second);
  learn(**second, 15, 40);
  REQUIRE((*second)->save_weights(folder.file("resumed"), true));
  CHECK(contents(folder.file("whole")) == contents(folder.file("resumed")));

  SessionSetup foreign = setup_of(other, "cpu");
  foreign.state = folder.file("half");
  const auto refused = Session::open(foreign);
  REQUIRE(!refused);
  CHECK(refused.error().message.find("head") != std::string::npos);
}

}  // namespace winnow::train
