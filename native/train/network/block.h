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
  float* added;         // [rows, D]: what the block added to the stream; or null
  float* d_added;       // [rows, D]: its gradient, overwritten on the way back; or null
};

// What the loss asks behind a block, and what it asks before it.
struct BlockGradients {
  float d_gates;    // of every decision itself
  float* d_stream;  // [rows, D]: of what went out, then of what came in
  float* d_mask;    // [rows]: added to, or null
  // [B, D + 1], added to, or null: where the mean over the patches decides, what it would do if a patch that
  // is dropped counted: its RMSNorm without weights times the first D, less the last.
  float* d_absent;
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
  float *mean, *d_mean;                    // [D]: of the normed rows; dense models
  float *mean_xz, *d_mean_xz;              // [2E]
  float* d_gate_logits;                    // [images of a group, 2]
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
  void backward(const float* prepared, const Sequences& sequences, ImageRange images, const BlockTape& tape,
                const BlockGradients& gradients, float* d_prepared, BlockMemory& memory) const;

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
  // `seen` [2E]: x and z of the class token, or of the mean.
  void decide(const float* prepared, int image, const float* seen, const BlockTape& tape,
              const BlockNoise& noise) const;
  // Straight through an image's decision to what it saw: adds to the head's gradients and to d_seen.
  void decide_backward(const float* prepared, const float* d_logits, const float* seen, float* d_seen,
                       float* d_prepared) const;
  // memory.mean and mean_xz of the kept rows of normed [length, D].
  void take_mean(const float* prepared, const Sequences::Sequence& sequence, const float* normed,
                 BlockMemory& memory) const;
  // From the d_logits of one image's decision to memory.d_normed, and to what the masks are asked.
  void mean_backward(const float* prepared, const Sequences::Sequence& sequence, int row,
                     const float* d_logits, float* d_mask, float* d_absent, float* d_prepared,
                     BlockMemory& memory) const;
  float share() const { return c_.halve_directions ? 0.5f : 1.0f; }

  const DyvmConfig& c_;
  BlockOffsets offsets_;
  Operations& ops_;
};

}  // namespace winnow::train
