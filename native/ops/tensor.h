// A view of numbers in a backend's memory: no ownership, dense, row-major.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace winnow {

template <typename T>
class TensorView {
 public:
  TensorView() = default;
  TensorView(T* data, std::initializer_list<int> shape) : data_(data), rank_(static_cast<int>(shape.size())) {
    int axis = 0;
    for (int extent : shape) shape_[axis++] = extent;
  }

  T* data() const { return data_; }
  int rank() const { return rank_; }
  int extent(int axis) const { return shape_[axis]; }
  std::size_t size() const {
    std::size_t product = 1;
    for (int axis = 0; axis < rank_; ++axis) product *= static_cast<std::size_t>(shape_[axis]);
    return product;
  }
  // The elements from index `i` of the first axis on.
  T* at(int i) const { return data_ + i * (size() / static_cast<std::size_t>(shape_[0])); }

 private:
  T* data_ = nullptr;
  int rank_ = 0;
  std::array<int, 4> shape_{};
};

using Tensor = TensorView<float>;

}  // namespace winnow
