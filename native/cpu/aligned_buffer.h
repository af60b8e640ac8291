// Memory on a 64-byte boundary, zero at first, that grows and keeps what it has.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>

namespace winnow::cpu {

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t floats) { reserve(floats); }

  // Room for `count` elements; when it must grow, all of it is zero and what was there is lost.
  template <typename T = float>
  T* reserve(std::size_t count) {
    if (count * sizeof(T) > capacity_) {
      capacity_ = count * sizeof(T);
      memory_.reset(new (std::align_val_t{64}) std::byte[capacity_]);
      std::memset(memory_.get(), 0, capacity_);
    }
    return as<T>();
  }
  template <typename T>
  T* as() const {
    return reinterpret_cast<T*>(memory_.get());
  }
  float* data() const { return as<float>(); }

 private:
  struct Free {
    void operator()(std::byte* memory) const { ::operator delete[](memory, std::align_val_t{64}); }
  };
  std::unique_ptr<std::byte[], Free> memory_;
  std::size_t capacity_ = 0;
};

}  // namespace winnow::cpu
