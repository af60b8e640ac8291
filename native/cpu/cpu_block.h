// The bidirectional block on the cpu: its packed weights, and how its steps are shared out among the threads.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "cpu/aligned_buffer.h"
#include "cpu/kernels.h"
#include "cpu/operation_times.h"
#include "cpu/packed_linear.h"
#include "cpu/thread_pool.h"
#include "ops/backend.h"

namespace winnow::cpu {

// Rows of an image that are worked on as one task: whole units, as even as can be. A pure function of the row
// count, so that an image's numbers depend neither on the batch nor on the threads.
class RowTiles {
 public:
  // The last unit is padded where `rows` is no multiple of `unit`.
  explicit RowTiles(int rows, int unit = 1);
  int count() const { return tiles_; }
  int begin(int tile) const { return tile * units_ / tiles_ * unit_; }
  int padded_end(int tile) const { return begin(tile + 1); }
  int end(int tile) const { return std::min(rows_, padded_end(tile)); }
  int padded_rows() const { return units_ * unit_; }
  int largest() const { return (units_ + tiles_ - 1) / tiles_ * unit_; }
  // Calls prepare(padded row count) for each size that a tile has.
  template <typename Prepare>
  void for_each_size(Prepare prepare) const {
    prepare(largest());
    if (units_ % tiles_ != 0) prepare(largest() - unit_);
  }

 private:
  int rows_, unit_, units_, tiles_;
};

// Memory between the steps of a block, shared by all blocks of a backend.
struct BlockScratch {
  AlignedBuffer x, z;          // [B, Lp, Ep], Lp the padded rows; y takes x's place after the convolution
  AlignedBuffer scales;        // [B, Lp]: of the rows of x and z where in_proj is int8
  AlignedBuffer u[2];          // per direction [B, Lp, Ep]
  AlignedBuffer projected[2];  // per direction [B, Lp, R + 2N]
  AlignedBuffer sums;          // per thread [L, channels of a scan task]
  AlignedBuffer states;        // per thread [N, channels of a scan task]
  AlignedBuffer normed;        // per thread [tile + 1, D]
  AlignedBuffer quantised;     // per thread int8 [tile, max(D, Ep)]
  AlignedBuffer row_scales;    // per thread [tile]
  AlignedBuffer product;       // per thread [tile, D]: of out_proj where it cannot go into the stream at once
  AlignedBuffer gate_sums;     // double [B, tiles, 2]: of the gate where all tokens decide
  std::vector<int> active;     // images with a direction
  std::vector<int> scans;      // 2 image + direction, for each direction that runs
};

// What a block works on; see Backend::run_block.
struct BlockOperands {
  Tensor stream;
  TensorView<std::uint8_t> directions;
  Tensor gate_logits, added;
};

class CpuBlock : public Block {
 public:
  static Result<std::unique_ptr<CpuBlock>> create(const BlockWeights& weights, Precision precision);

  // See Backend::run_block.
  void run(ThreadPool& pool, BlockScratch& scratch, OperationTimes& times, const SpecialTokens& special,
           float threshold, const BlockOperands& operands) const;

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
  void run_as(ThreadPool& pool, BlockScratch& scratch, OperationTimes& times, const SpecialTokens& special,
              float threshold, const BlockOperands& operands) const;
  void prepare(const RowTiles& tiles, int images, int threads, BlockScratch& scratch) const;
  // The norm of rows of the stream in the form that in_proj takes; int8 rows leave their scales in `scales`.
  const void* norm_rows(const float* stream, int rows, int tile, int thread, BlockScratch& scratch,
                        float* scales) const;
  // stream [rows, D] += out_proj of y [padded rows, Ep].
  template <typename T>
  void project_out(const T* y, int rows, int padded_rows, int tile, int thread, BlockScratch& scratch,
                   float* stream) const;
  // Sums over each tile's tokens of what the gate says of them, into scratch.gate_sums.
  void sum_gates(ThreadPool& pool, const RowTiles& tiles, BlockScratch& scratch, OperationTimes& times,
                 Tensor stream) const;
  // From the mean of what the gate says of some tokens.
  std::uint8_t choose_directions(const float means[2], float threshold, float* logits) const;
  // From the special tokens of stream [L, D]; `normed` is memory for one row, logits [2] or null.
  std::uint8_t choose_directions(const float* stream, const SpecialTokens& special, float threshold,
                                 float* normed, float* logits) const;

  Element element_ = Element::fp32;                      // of x, z, u, y and x_proj
  Element in_ = Element::fp32, out_ = Element::fp32;     // of in_proj and out_proj
  int row_unit_ = 1;                                     // rows that the products take at a time
  int dim_ = 0, channels_ = 0, states_ = 0, width_ = 0;  // D, E padded, N, R + 2N
  float norm_epsilon_ = 0.0f;
  AlignedBuffer norm_, gate_;
  AlignedBuffer normed_gate_;  // the gate times the norm's weight
  AlignedBuffer row_norm_;     // of the rows for in_proj: ones where in_proj has taken over the weight
  float gate_bias_[2] = {};
  bool gated_ = false;
  std::unique_ptr<PackedLinear> in_x_, in_z_;
  std::vector<std::unique_ptr<PackedLinear>> out_groups_;  // one, or for int8 one for each group of channels
  Direction directions_[2];
};

}  // namespace winnow::cpu
