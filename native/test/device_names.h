// The devices that tests compute on.
#pragma once

#include <string>
#include <vector>

#include "engine/engine.h"

namespace winnow {

// Of this build, without GPUs, the fastest first.
inline std::vector<std::string> device_names() {
  std::vector<std::string> names;
  for (const DeviceInfo& device : list_devices()) names.push_back(device.name);
  return names;
}

inline const std::string kFastest = device_names().front();

}  // namespace winnow
