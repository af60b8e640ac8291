// Where the threads' time goes, operation by operation; costs a look at the clock per step while it is on.
#pragma once

#include <array>
#include <chrono>
#include <vector>

namespace winnow::cpu {

enum class Operation {
  // of every model
  embed,
  norm,
  in_proj,
  convolve,
  x_proj,
  scan,
  out_proj,
  predictor,
  prune,
  // of dense models
  rotate,
  label,
  // of feature maps
  map_convolve,
  map_upsample,
  map_pool,
  map_resize,
  map_concatenate,
  map_norm,
  map_align,
  count
};

inline constexpr Operation kFirstOfMaps = Operation::rotate;

inline constexpr const char* kOperationNames[] = {"embed patches",     "norm and gate",    "in_proj",
                                                  "convolution",       "x_proj",           "scan",
                                                  "out_proj",          "score predictor",  "pruning",
                                                  "rotary positions",  "labels of pixels", "map convolution",
                                                  "map upsampling",    "map pooling",      "map resizing",
                                                  "map concatenation", "map norm",         "ROIAlign"};

class OperationTimes {
  struct alignas(64) Row {  // a cache line of its own per thread
    std::array<double, static_cast<int>(Operation::count)> seconds = {};
  };

 public:
  void start(int threads) { seconds_.assign(threads, {}); }
  void stop() { seconds_.clear(); }
  bool on() const { return !seconds_.empty(); }
  // Of all threads together.
  double seconds(Operation operation) const {
    double sum = 0.0;
    for (const Row& row : seconds_) sum += row.seconds[static_cast<int>(operation)];
    return sum;
  }

  // One task's steps: each `end` books the time since the last one.
  class Task {
   public:
    Task(OperationTimes& times, int thread) : row_(times.on() ? &times.seconds_[thread] : nullptr) {
      if (row_ != nullptr) last_ = Clock::now();
    }
    void end(Operation operation) {
      if (row_ == nullptr) return;
      const Clock::time_point now = Clock::now();
      row_->seconds[static_cast<int>(operation)] += std::chrono::duration<double>(now - last_).count();
      last_ = now;
    }

   private:
    using Clock = std::chrono::steady_clock;
    Row* row_;
    Clock::time_point last_;
  };

 private:
  std::vector<Row> seconds_;
};

}  // namespace winnow::cpu
