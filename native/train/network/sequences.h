// The token sequences of a batch between two pruning stages, packed behind each other: kept patches in their
// order with the class token among them, then dropped ones, which are masked.
//
// A dropped patch changes nothing any more: its rows feed zeros into convolution and scan, so the mixer adds
// zero to it. Only the straight-through gradient of its mask is left, and that reaches the loss through the
// convolution against the order of the sequence, over the conv_width - 1 tokens behind the last kept one. So
// a sequence is cut there, and training costs what pruned inference does.
#pragma once

#include <algorithm>
#include <cstddef>
#include <new>
#include <vector>

namespace winnow::train {

struct Sequences {
  struct Sequence {
    int begin, length;  // its rows
    int live;           // rows before the first masked one: kept patches and the class token
    int class_row;      // within the sequence
    int scanned;        // rows that the scan goes over
    // Row of the i-th patch: kept ones in order, then dropped ones.
    int row_of_patch(int i) const { return begin + i + (i >= class_row ? 1 : 0); }
    int patches() const { return length - 1; }
    int kept() const { return live - 1; }
  };
  std::vector<Sequence> images;
  int rows = 0;

  // Adds an image. `whole`: with all of its dropped patches, as the original computes it.
  void add(int patches, int kept, int class_row, int conv_width, bool whole) {
    const int length = 1 + (whole ? patches : std::min(patches, kept + conv_width - 1));
    images.push_back({rows, length, kept + 1, class_row, whole ? length : kept + 1});
    rows += length;
  }
};

// On the boundaries of cache lines, which no vector crosses then.
template <typename T>
struct LineAllocator {
  using value_type = T;
  static constexpr std::align_val_t kLine{64};
  T* allocate(std::size_t count) { return static_cast<T*>(::operator new(count * sizeof(T), kLine)); }
  void deallocate(T* values, std::size_t) { ::operator delete(values, kLine); }
  bool operator==(const LineAllocator&) const = default;
};
using AlignedFloats = std::vector<float, LineAllocator<float>>;

// Floats before row `rows` of a dense matrix.
inline std::size_t offset(std::size_t rows, int width) { return rows * static_cast<std::size_t>(width); }

// Room for `count` values, of which old ones may be left.
template <typename Values>
void fit(Values& values, std::size_t count) {
  if (values.capacity() < count) Values().swap(values);
  values.resize(count);
}

// Images first <= b < last.
struct ImageRange {
  int first, last;
};

}  // namespace winnow::train
