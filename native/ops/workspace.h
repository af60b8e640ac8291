// One piece of a backend's memory, cut into tensors by a plan that runs twice: once to measure, once to cut.
#pragma once

#include <cstddef>

#include "ops/backend.h"
#include "ops/result.h"
#include "ops/tensor.h"

namespace winnow {

class Workspace {
 public:
  explicit Workspace(Backend& backend) : backend_(backend) {}
  ~Workspace() { backend_.release(memory_); }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  // Runs `plan`, which takes the same tensors each time it runs. Memory is kept while it is large enough.
  template <typename Plan>
  Status lay_out(Plan plan) {
    measuring_ = true;
    used_ = 0;
    plan();
    if (used_ > capacity_) {
      release();
      memory_ = static_cast<std::byte*>(backend_.allocate(used_));
      capacity_ = memory_ == nullptr ? 0 : used_;
      if (memory_ == nullptr) {
        if (const Status told = backend_.wait(); !told) return told.error();
        return Error{ErrorCode::engine,
                     "Expected " + std::to_string(used_ >> 20) +
                         " MB of memory for this batch, but there is not enough: use a smaller batch."};
      }
    }
    measuring_ = false;
    used_ = 0;
    plan();
    return ok();
  }

  // Gives the memory back, until the next plan.
  void release() {
    backend_.release(memory_);
    memory_ = nullptr;
    capacity_ = 0;
  }

  // The next tensor of the plan, aligned to 64 bytes.
  template <typename T>
  TensorView<T> take(std::initializer_list<int> shape) {
    TensorView<T> tensor(measuring_ ? nullptr : reinterpret_cast<T*>(memory_ + used_), shape);
    used_ += (tensor.size() * sizeof(T) + 63) / 64 * 64;
    return tensor;
  }

 private:
  Backend& backend_;
  std::byte* memory_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t used_ = 0;
  bool measuring_ = true;
};

}  // namespace winnow
