// Trainings of tests that read and write files.
#pragma once

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

inline std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace winnow::train
