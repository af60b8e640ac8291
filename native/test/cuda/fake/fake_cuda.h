// What tests tell the stand-in for NVIDIA's driver, and are told by it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

struct FakeCudaFaults {
  std::uint64_t memory_bytes = 1ull << 33;  // of a device
  long long launches_before_loss = -1;      // none is lost
};

struct FakeCudaCounts {
  long long launches = 0, graph_launches = 0;
};

// A stream does its work at once, or keeps it for the graph that is being captured.
struct CUstream_st {
  std::unique_ptr<std::vector<std::function<int()>>> capture;
};

extern "C" {
void fake_cuda_set(const FakeCudaFaults* faults);
FakeCudaCounts fake_cuda_get();
}
