// Times of the GPU backend's operations.
#pragma once

#include <vector>

#include "gpu/gpu.h"
#include "ops/backend.h"

namespace winnow::gpu {

// Time by kind of operation, waiting for each; while it is off nothing waits.
class OperationTimes {
 public:
  void start(Gpu& gpu, bool on) {
    on_ = on;
    spent_.clear();
    if (on) gpu.seconds();
  }
  bool on() const { return on_; }
  void end(Gpu& gpu, const char* operation) {
    if (!on_) return;
    const double seconds = gpu.seconds();
    for (OperationTime& time : spent_)
      if (time.name == operation) {
        time.seconds += seconds;
        return;
      }
    spent_.push_back({operation, seconds});
  }
  const std::vector<OperationTime>& spent() const { return spent_; }

 private:
  bool on_ = false;
  std::vector<OperationTime> spent_;
};

}  // namespace winnow::gpu
