// Floats on a 64-byte boundary, zero at first, that grow and keep what they have.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>

namespace winnow::cpu {

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t count) { reserve(count); }

  // At least `count` floats; new ones are zero, and old contents are lost when it must grow.
  float* reserve(std::size_t count) {
    if (count > capacity_) {
      memory_.reset(new (std::align_val_t{64}) float[count]);
      std::fill_n(memory_.get(), count, 0.0f);
      capacity_ = count;
    }
    return memory_.get();
  }
  float* data() const { return memory_.get(); }

 private:
  struct Free {
    void operator()(float* memory) const { ::operator delete[](memory, std::align_val_t{64}); }
  };
  std::unique_ptr<float[], Free> memory_;
  std::size_t capacity_ = 0;
};

}  // namespace winnow::cpu
