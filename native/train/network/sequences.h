// The token sequences of a batch between two pruning stages, packed behind each other: kept patches in their
// order with the class token among them where a model has one, then dropped ones, which are masked.
//
// A dropped patch changes nothing any more: its rows feed zeros into convolution and scan, so the mixer adds
// zero to it. Only the straight-through gradient of its mask is left, and that reaches the loss through the
// convolution against the order of the sequence, over the conv_width - 1 tokens behind the last kept one. So
// a sequence is cut there, and training costs what pruned inference does.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <new>
#include <vector>

namespace winnow::train {

struct Sequences {
  static constexpr int kNoClassRow = std::numeric_limits<int>::max();

  struct Sequence {
    int begin, length;  // its rows
    int live;           // rows before the first masked one: kept patches and the class token
    int class_row;      // within the sequence
    int scanned;        // rows that the scan goes over
    int class_tokens() const { return class_row == kNoClassRow ? 0 : 1; }
    // Row of the i-th patch: kept ones in order, then dropped ones.
    int row_of_patch(int i) const { return begin + i + (i >= class_row ? 1 : 0); }
    int patches() const { return length - class_tokens(); }
    int kept() const { return live - class_tokens(); }
  };
  std::vector<Sequence> images;
  int rows = 0;

  // Adds an image. `whole`: with all of its dropped patches, as the original computes it.
  void add(int patches, int kept, int class_row, int conv_width, bool whole) {
    Sequence added{rows, 0, 0, class_row, 0};
    added.live = added.class_tokens() + kept;
    added.length = added.class_tokens() + (whole ? patches : std::min(patches, kept + conv_width - 1));
    added.length = std::max(added.length, 1);
    added.scanned = whole ? added.length : added.live;
    images.push_back(added);
    rows += added.length;
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
