// The images of a batch in runs that threads take, each of which sums gradients of its own.
#pragma once

#include <algorithm>
#include <cstdint>

#include "train/network/sequences.h"
#include "train/operations/operations.h"

namespace winnow::train {

// At most 16 parts, however many threads there are, so that threads change no bit of a sum.
class BatchParts {
 public:
  explicit BatchParts(Operations& operations) : ops_(operations) {}

  // Of `images` images; sums of up to `size` floats for each part.
  void lay_out(int images, std::size_t size) {
    images_ = images;
    size_ = size;
  }
  int count() const { return std::min(kMost, images_); }
  ImageRange range(int index) const { return {begin(index), begin(index + 1)}; }
  // Calls task(images, index, thread) for every part, on all threads.
  template <typename Task>
  void run(const Task& task) const {
    ops_.run(count(), [&](int index, int thread) { task(range(index), index, thread); });
  }
  // Calls task(images) for runs of a part's images that fit the caches.
  template <typename Task>
  static void for_groups(ImageRange range, const Sequences& sequences, const Task& task) {
    for (int first = range.first; first < range.last;) {
      int last = first + 1, rows = sequences.images[first].length;
      while (last < range.last && rows + sequences.images[last].length <= kGroupRows)
        rows += sequences.images[last++].length;
      task(ImageRange{first, last});
      first = last;
    }
  }
  static constexpr int kGroupRows = 128;  // their values between two products stay in the second cache

  // The first `size` floats of every part's sums become zero.
  void clear(std::size_t size) {
    fit(sums_, count() * size_);
    ops_.run(count(), [&](int index, int) { std::fill_n(partial(index), size, 0.0f); });
  }
  float* partial(int index) { return sums_.data() + index * size_; }
  // The parts' sums added up in order.
  const float* add_up(std::size_t size) {
    constexpr std::size_t kPiece = 4096;
    ops_.run(static_cast<int>((size + kPiece - 1) / kPiece), [&](int piece, int) {
      const std::size_t begin = piece * kPiece, length = std::min(kPiece, size - begin);
      for (int index = 1; index < count(); ++index)
        ops_.add(length, partial(index) + begin, partial(0) + begin);
    });
    return partial(0);
  }
  std::size_t bytes() const { return sums_.capacity() * sizeof(float); }

 private:
  static constexpr int kMost = 16;
  int begin(int index) const {
    return static_cast<int>(static_cast<std::int64_t>(images_) * index / count());
  }

  Operations& ops_;
  int images_ = 0;
  std::size_t size_ = 0;
  AlignedFloats sums_;
};

}  // namespace winnow::train
