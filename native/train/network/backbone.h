// What a Vim is without its head, as it learns: embedding, blocks and the pruning between them, forward as in
// training and the way back.
//
// A classifier has a class token, whose row decides which directions of a block run. A dense model has none:
// the mean over the patches there are decides (DyVM's segmentation, section 4.3), and a patch that is dropped
// stays what it was then in every feature (see dense_network.h). Decisions are straight-through: the gradient
// of a patch's policy comes from where later blocks multiply by it, that is, from the masks of convolution
// and scan, and in dense models from its share of the mean. The features have none: a patch's value is h p
// before and h (1 - p) behind, whose sum does not depend on p.
#pragma once

#include <cstdint>
#include <vector>

#include "train/network/block.h"
#include "train/network/parameters.h"
#include "train/network/parts.h"
#include "train/network/predictor.h"

namespace winnow::train {

// Exp(1) draws of a step with B images; empty for a model that decides nothing.
struct StepNoise {
  std::vector<std::vector<float>> tokens;         // per stage [B, M, 2]: in the order before the stage
  std::vector<std::vector<float>> first, second;  // per block [B, 2]
};
// The draws of one step, determined by its seed.
StepNoise draw_noise(const DyvmConfig& config, int images, std::uint64_t seed);

// What one pruning stage did to B images.
struct Stage {
  std::vector<float> rows;              // [B, M, D]: the stream before it, kept patches first
  std::vector<int> before, after;       // [B]: patches kept before and behind it
  std::vector<std::uint8_t> decisions;  // [B, M]: in the order before it
  std::vector<float> probabilities;     // [B, M]
  std::vector<std::int32_t> order;      // [B, M]: patch before it that the i-th behind it was
  std::vector<std::int32_t> positions;  // [B, M]: original position of the i-th patch behind it
};

// What the loss asks of the decisions themselves.
struct DecisionGradients {
  std::vector<std::vector<float>> policies;  // per stage [B]: of every patch's policy
  float gates = 0.0f;                        // of every block decision
};

class Backbone {
 public:
  // Of the parameters of `table`, which outlives it. `learns`: keeps what the gradients need; without it the
  // model must not prune. `added_by`: blocks of which what they added to the stream is kept as well.
  Backbone(const DyvmConfig& config, const ParameterTable& table, Operations& operations, bool learns,
           const std::vector<int>& added_by = {});
  Backbone(const Backbone&) = delete;
  Backbone& operator=(const Backbone&) = delete;

  // Computes dropped patches to the end, as the original does: slower, and the same.
  void set_whole_sequences(bool whole) { whole_ = whole; }

  // images [B, 3, S, S] normalised, needed until the way back is done; `noise` null: block decisions without
  // noise, for models without stages.
  void forward(const std::vector<float>& weights, const float* images, int count, const StepNoise* noise);

  const DyvmConfig& config() const { return c_; }
  int images() const { return images_; }
  // [rows of sequences(), D]: the stream behind the last block.
  const float* final_stream() const { return final_.data(); }
  const std::vector<Stage>& stages() const { return stages_; }
  const Sequences& sequences() const { return segments_.back(); }  // of the last blocks
  // Of the blocks before stage `segment`, or behind all of them.
  const Sequences& sequences(int segment) const { return segments_[segment]; }
  // Segment of a block: how many stages lie before it.
  int segment_of(int layer) const;
  const std::vector<float>& gates(int layer) const { return tapes_[layer].gates; }  // [B, 2]
  // [rows of its segment, D]: what a block of `added_by` added to the stream.
  const float* added(int layer) const { return tapes_[layer].added.data(); }

  // Before `backward`: the gradients of final_stream() and of added(layer), to be filled, and the latter are
  // zero. They are overwritten on the way back.
  float* d_final();
  float* d_added(int layer) { return tapes_[layer].d_added.data(); }
  // What the loss asks of the stream of patches where they are dropped, [B, M, D] by their original
  // positions; or null. `gradients` of the backbone's parameters are overwritten.
  void backward(const std::vector<float>& weights, const DecisionGradients& decisions, const float* d_dropped,
                std::vector<float>& gradients);

  // Parts of the batch for what else goes over its images.
  BatchParts& parts() { return parts_; }
  // What the last forward pass kept of its blocks: the least that a gradient without computing products again
  // needs.
  std::size_t kept_bytes() const;
  std::size_t bytes() const;  // of all memory between and during its passes

 private:
  struct Tape {
    AlignedFloats stream, xz, projected[2], states[2];
    AlignedFloats added, d_added;  // of blocks of `added_by`
    std::vector<float> gate_logits, gates;
  };
  struct Memory {
    BlockMemory block;
    PredictorMemory predictor;
    AlignedFloats patches, patch_rows;
  };

  BlockTape tape(int layer);
  bool is_added(int layer) const;
  int first_layer(int segment) const { return segment == 0 ? 0 : c_.pruning_layers[segment - 1]; }
  int last_layer(int segment) const;
  int class_row(int kept) const {
    if (c_.dense()) return Sequences::kNoClassRow;
    return c_.family->class_token_first ? 0 : kept / 2;
  }
  void reserve(int segment);
  void embed(const float* weights, const float* input);
  void cut_patches(int image, float* patches) const;
  void run_blocks(int segment, const StepNoise* noise);
  void prune(int stage, const float* weights, const StepNoise& noise);
  void blocks_backward(int segment, const DecisionGradients& decisions, float* gradients);
  void prune_backward(int stage, const float* weights, const DecisionGradients& decisions,
                      const float* d_dropped, float* gradients);
  void embed_backward(float* gradients);
  // What the gate of the blocks of a segment would do if a patch that is dropped, and not in its sequence,
  // were less so.
  float absent_mask(int image, const float* row) const;

  DyvmConfig c_;
  const ParameterTable& table_;
  Operations& ops_;
  bool learns_, whole_ = false;
  std::vector<int> added_by_;
  std::vector<TrainedBlock> blocks_;
  std::vector<TrainedPredictor> predictors_;
  BatchParts parts_;

  int images_ = 0;
  const float* input_ = nullptr;
  AlignedFloats prepared_;
  std::vector<Sequences> segments_;  // one more than stages
  std::vector<Stage> stages_;
  std::vector<Tape> tapes_;
  AlignedFloats final_;           // [rows, D]: the stream behind the last block
  std::vector<Memory> memories_;  // per thread
  AlignedFloats d_stream_, d_spare_;
  std::vector<float> d_mask_, d_policy_, d_absent_;
  std::size_t largest_ = 0;  // parameters of a part of the model
};

}  // namespace winnow::train
