// A Vim, VideoMamba or DyVM classifier that learns: the whole forward pass as in training, and the gradients
// of all of its parameters.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "train/network/block.h"
#include "train/network/parameters.h"
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

// What the loss asks of the network's outputs.
struct OutputGradients {
  std::vector<float> logits;                 // [B, classes]
  std::vector<float> tokens;                 // [rows, D]: of the normed rows; or empty
  std::vector<std::vector<float>> policies;  // per stage [B]: of every patch's policy
  float gates = 0.0f;                        // of every block decision
};

class Network {
 public:
  // `learns`: keeps what the gradients need; without it the model must not prune. Fails with bad_argument for
  // other kinds of models.
  static Result<std::unique_ptr<Network>> create(const DyvmConfig& config, Operations& operations,
                                                 bool learns);

  const ParameterTable& table() const { return table_; }
  const DyvmConfig& config() const { return c_; }
  // Computes dropped patches to the end, as the original does: slower, and the same.
  void set_whole_sequences(bool whole) { whole_ = whole; }

  // images [B, 3, S, S] normalised; `noise` null: block decisions without noise, for models without stages.
  void forward(const std::vector<float>& weights, const float* images, int count, const StepNoise* noise);
  // Gradients [table().size()] of the last forward pass, in place of what is there.
  void backward(const std::vector<float>& weights, const OutputGradients& outputs,
                std::vector<float>& gradients);

  int images() const { return images_; }
  const std::vector<float>& logits() const { return logits_; }  // [B, classes]
  const std::vector<float>& tokens() const { return tokens_; }  // [rows, D], normed
  const std::vector<Stage>& stages() const { return stages_; }
  const Sequences& sequences() const { return segments_.back(); }                   // of the last blocks
  const std::vector<float>& gates(int layer) const { return tapes_[layer].gates; }  // [B, 2]
  // What the last forward pass kept of its blocks: the least that a gradient without computing products again
  // needs.
  std::size_t kept_bytes() const;
  std::size_t bytes() const;  // of all memory between and during its passes

 private:
  static constexpr int kParts =
      16;  // of a batch; each sums gradients of its own: threads change no bit of them
  static constexpr int kGroupRows = 128;  // their values between two products stay in the second cache

  struct Tape {
    AlignedFloats stream, xz, projected[2], states[2];
    std::vector<float> gate_logits, gates;
  };
  struct Memory {
    BlockMemory block;
    PredictorMemory predictor;
    AlignedFloats patches, patch_rows;
  };

  Network(const DyvmConfig& config, Operations& operations, bool learns);
  BlockTape tape(int layer);
  int first_layer(int segment) const { return segment == 0 ? 0 : c_.pruning_layers[segment - 1]; }
  int last_layer(int segment) const;
  int class_row(int kept) const { return c_.family->class_token_first ? 0 : kept / 2; }
  ImageRange part(int index) const;
  int parts() const;
  // Calls task(images, thread) for runs of images of a part that fit the caches.
  template <typename Task>
  void for_groups(int index, const Sequences& sequences, const Task& task) const {
    const ImageRange range = part(index);
    for (int first = range.first; first < range.last;) {
      int last = first + 1, rows = sequences.images[first].length;
      while (last < range.last && rows + sequences.images[last].length <= kGroupRows)
        rows += sequences.images[last++].length;
      task(ImageRange{first, last});
      first = last;
    }
  }
  void reserve(int segment);
  void embed(const float* weights, const float* input);
  void cut_patches(int image, float* patches) const;
  void run_blocks(int segment, const StepNoise* noise);
  void prune(int stage, const float* weights, const StepNoise& noise);
  void classify(const float* weights);
  float* partial(int index) { return partials_.data() + index * partial_size_; }
  void clear_partials(std::size_t size);
  // Sums the parts into the first.
  void sum_partials(std::size_t size);
  void classify_backward(const float* weights, const OutputGradients& outputs, float* gradients);
  void prune_backward(int stage, const float* weights, const OutputGradients& outputs, float* gradients);
  void embed_backward(float* gradients);

  DyvmConfig c_;
  Operations& ops_;
  bool learns_, whole_ = false;
  ParameterTable table_;
  std::vector<TrainedBlock> blocks_;
  std::vector<TrainedPredictor> predictors_;

  int images_ = 0;
  const float* input_ = nullptr;
  AlignedFloats prepared_;
  std::vector<Sequences> segments_;  // one more than stages
  std::vector<Stage> stages_;
  std::vector<Tape> tapes_;
  AlignedFloats final_;  // [rows, D]: the stream behind the last block
  std::vector<float> tokens_, logits_;
  std::vector<Memory> memories_;  // per thread
  AlignedFloats partials_, d_stream_, d_spare_;
  std::vector<float> d_mask_, d_policy_;
  std::size_t partial_size_ = 0;
};

}  // namespace winnow::train
