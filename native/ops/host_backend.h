// What backends on the processor share: their memory is the program's own.
#pragma once

#include <cstring>
#include <new>

#include "ops/backend.h"
#include "ops/keep_best.h"

namespace winnow {

class HostBackend : public Backend {
 public:
  void* allocate(std::size_t bytes) override {
    return ::operator new(bytes, std::align_val_t{64}, std::nothrow);
  }
  void release(void* memory) override { ::operator delete(memory, std::align_val_t{64}); }
  void write(void* target, const void* source, std::size_t bytes) override {
    std::memcpy(target, source, bytes);
  }
  void read(void* target, const void* source, std::size_t bytes) override {
    std::memcpy(target, source, bytes);
  }

  void keep_scores(Tensor pairs, Tensor scores) override {
    for (std::size_t i = 0; i < scores.size(); ++i)
      scores.data()[i] = keep_score(pairs.data()[2 * i], pairs.data()[2 * i + 1]);
  }

 protected:
  // Image b of gather_tokens.
  static void gather_image(int b, Tensor stream, const SpecialTokens& special,
                           TensorView<const std::int32_t> kept, const SpecialTokens& moved, Tensor out) {
    const int dim = stream.extent(2);
    const auto copy_row = [&](int from, int to) {
      std::memcpy(out.at(b) + to * dim, stream.at(b) + from * dim, dim * sizeof(float));
    };
    for (int i = 0; i < special.count; ++i) copy_row(special.row(i), moved.row(i));
    for (int i = 0; i < kept.extent(1); ++i)
      copy_row(special.row_of_patch(kept.at(b)[i]), moved.row_of_patch(i));
  }
};

}  // namespace winnow
