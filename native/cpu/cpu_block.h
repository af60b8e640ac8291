// The bidirectional block on the cpu: its packed weights, and how its steps are shared out among the threads.
#pragma once

#include <memory>
#include <vector>

#include "cpu/aligned_buffer.h"
#include "cpu/kernels.h"
#include "cpu/packed_linear.h"
#include "cpu/thread_pool.h"
#include "ops/backend.h"

namespace winnow::cpu {

// Rows of an image that are worked on as one task. A pure function of the row count, so that an image's
// numbers depend neither on the batch nor on the threads.
struct RowTiles {
  explicit RowTiles(int rows);
  int count() const { return (rows + size - 1) / size; }
  int begin(int tile) const { return tile * size; }
  int end(int tile) const { return std::min(rows, (tile + 1) * size); }
  // Calls prepare(row count) for each size that a tile has.
  template <typename Prepare>
  void for_each_size(Prepare prepare) const {
    prepare(std::min(rows, size));
    if (rows % size != 0) prepare(rows % size);
  }
  int rows, size;
};

// Memory between the steps of a block, shared by all blocks of a backend.
struct BlockScratch {
  AlignedBuffer x, z;          // [B, L, Ep]; y takes x's place after the convolution
  AlignedBuffer u[2];          // per direction [B, L, Ep]
  AlignedBuffer projected[2];  // per direction [B, L, R + 2N]
  AlignedBuffer sums;          // per thread [L, channels of a scan task]
  AlignedBuffer quantised;     // per thread int8 [tile, max(D, Ep)]
  AlignedBuffer scales;        // per thread [tile]
  AlignedBuffer product;    // per thread [tile, max(D, Ep)]: of int8 matrices, before their rows are scaled
  AlignedBuffer normed;     // per thread [tile + 1, D]
  AlignedBuffer states;     // per thread [N, channels of a scan task]
  int tile = 0;             // rows of the largest tile of this call
  std::vector<int> active;  // images with a direction
  std::vector<int> scans;   // 2 image + direction, for each direction that runs
};

class CpuBlock : public Block {
 public:
  static Result<std::unique_ptr<CpuBlock>> create(const BlockWeights& weights, Precision precision);

  // See Backend::run_block.
  void run(ThreadPool& pool, BlockScratch& scratch, int class_index, float threshold, Tensor stream,
           TensorView<std::uint8_t> directions, Tensor gate_logits) const;

 private:
  // One direction, channels padded to kLanes.
  struct Direction {
    AlignedBuffer conv_weight, conv_bias, dt_weight, dt_bias, decay, steepest, d;
    std::unique_ptr<PackedLinear> x_proj;
    ScanParameters parameters;
  };
  CpuBlock() = default;
  Status pack(const ScanWeights& weights, const BlockWeights& sizes, Direction& direction) const;
  // run with x, z, u and y as T: float, or BFloat16.
  template <typename T>
  void run_as(ThreadPool& pool, BlockScratch& scratch, int class_index, float threshold, Tensor stream,
              TensorView<std::uint8_t> directions, Tensor gate_logits) const;
  // One thread's part of the scratch for int8 products.
  struct Int8Tile {
    std::int8_t* rows;
    float* scales;
    float* product;
  };
  Int8Tile int8_tile(const BlockScratch& scratch, int thread) const;
  // One half of in_proj on normed rows [rows, D], fp32, or T where the product is of T; int8 takes the
  // rows that are in the thread's tile.
  template <typename T>
  void project_in(const PackedLinear& half, int rows, const void* normed, BlockScratch& scratch, int thread,
                  T* out) const;
  template <typename T>
  void project_out(int rows, const T* y, BlockScratch& scratch, int thread, float* stream) const;
  void prepare(const RowTiles& tiles, int images, int threads, BlockScratch& scratch) const;
  std::uint8_t choose_directions(const float* class_token, float threshold, float* logits) const;

  Element element_ = Element::fp32;                      // of x, z, u, y and x_proj
  Element projection_ = Element::fp32;                   // of in_proj and out_proj
  int dim_ = 0, channels_ = 0, states_ = 0, width_ = 0;  // D, E padded, N, R + 2N
  float norm_epsilon_ = 0.0f;
  AlignedBuffer norm_, gate_;
  AlignedBuffer row_norm_;  // of the rows for in_proj: ones where in_proj has taken over the weight
  float gate_bias_[2] = {};
  bool gated_ = false;
  std::unique_ptr<PackedLinear> in_x_, in_z_;
  std::vector<std::unique_ptr<PackedLinear>> out_;  // one, or for int8 one for each group of channels
  Direction directions_[2];
};

}  // namespace winnow::cpu
