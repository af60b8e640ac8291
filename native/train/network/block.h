// A block of Vim: stream + mixer(RMSNorm(stream)), forward and backward, for images whose rows lie behind
// each other.
#pragma once

#include <vector>

#include "model/dyvm_config.h"
#include "train/network/parameters.h"
#include "train/network/sequences.h"
#include "train/operations/operations.h"

namespace winnow::train {

// What the backward pass of a block needs of its forward pass, for all rows and images of a batch. Everything
// else is computed again.
struct BlockTape {
  float* stream;        // [rows, D]: what came in
  float* xz;            // [rows, 2E]
  float* projected[2];  // [rows, R + 2N] of each direction
  float* states[2];     // [rows / kScanTile, state_floats]: h that each direction's scan keeps; or null
  float* gate_logits;   // [B, 2]
  float* gates;         // [B, 2]: 1 where the direction counts, else 0
};

// Two Exp(1) draws for each image and direction; or null for decisions without noise.
struct BlockNoise {
  const float *first = nullptr, *second = nullptr;  // [B, 2]
};

// Temperature of the block decisions (DyVM).
inline constexpr float kBlockTemperature = 2.0f;

// A thread's memory between the operations of a block.
class BlockMemory {
 public:
  void reserve(const DyvmConfig& config, const Operations& operations, int rows, int longest);
  std::size_t bytes() const { return memory_.size() * sizeof(float); }

  float *normed, *d_normed;                // [rows, D]
  float *u, *steps, *y[2], *gated;         // [rows, E]
  float *d_gated, *d_sum, *d_steps, *d_u;  // [rows, E]
  float* d_xz;                             // [rows, 2E]
  float* d_projected;                      // [rows, R + 2N]
  float* scan;

 private:
  AlignedFloats memory_;
};

class TrainedBlock {
 public:
  TrainedBlock(const DyvmConfig& config, const BlockOffsets& offsets, Operations& operations)
      : c_(config), offsets_(offsets), ops_(operations) {}

  // Weights as the operations want them: A_log becomes A [N, E], convolutions become taps [K, E]. Of `size`
  // floats as the block's part of the parameters.
  void prepare(const float* weights, float* prepared) const;
  // Gradients of prepared weights, transformed back and added to the gradients of the parameters.
  void finish(const float* prepared, const float* d_prepared, float* d_weights) const;

  // `out` [rows, D]: the stream behind the block.
  void forward(const float* prepared, const Sequences& sequences, ImageRange images, const BlockTape& tape,
               const BlockNoise& noise, float* out, BlockMemory& memory) const;
  // d_stream [rows, D]: of what went out, then of what came in. d_gates: what the loss
  // asks of every decision itself. d_mask [rows] is added to, or null.
  void backward(const float* prepared, const Sequences& sequences, ImageRange images, const BlockTape& tape,
                float d_gates, float* d_stream, float* d_mask, float* d_prepared, BlockMemory& memory) const;

 private:
  struct Rows {
    int first, count;
  };
  Rows rows_of(const Sequences& sequences, ImageRange images) const;
  ScanShape scan_shape(const Sequences::Sequence& sequence, int direction) const;
  float* kept_states(const Sequences::Sequence& sequence, const BlockTape& tape, int direction) const;
  ScanInputs scan_inputs(const float* prepared, int direction, const float* projected,
                         const BlockMemory& memory, std::size_t row) const;
  // u and steps of one direction from the tape's xz; `projected` is computed where it is not there yet.
  void project(const float* prepared, const Sequences& sequences, ImageRange images, const BlockTape& tape,
               int direction, bool known, BlockMemory& memory) const;
  void decide(const float* prepared, int image, const float* class_row, const BlockTape& tape,
              const BlockNoise& noise) const;
  float share() const { return c_.halve_directions ? 0.5f : 1.0f; }

  const DyvmConfig& c_;
  BlockOffsets offsets_;
  Operations& ops_;
};

}  // namespace winnow::train
