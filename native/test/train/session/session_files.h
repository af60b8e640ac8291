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
