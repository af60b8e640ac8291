// What can be known of a device before anything is computed on it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ops/backend.h"

namespace winnow {

// What only a GPU has.
struct GpuFacts {
  std::string id;        // stays with it when others are added or removed
  std::string backend;   // "cuda", "metal"
  std::string driver;    // "driver 580.65, CUDA 13.0"
  std::string products;  // what multiplies matrices
  std::uint64_t memory_bytes = 0, free_bytes = 0;
};

struct DeviceInfo {
  std::string name;                   // 'cpu', 'reference', 'cuda:0'
  std::string description;            // processor, instruction set, threads; a GPU's name and products
  std::string reason;                 // why it cannot be used; empty when it can
  std::vector<Precision> precisions;  // that it computes natively, most exact first
  std::optional<GpuFacts> gpu;
};

}  // namespace winnow
