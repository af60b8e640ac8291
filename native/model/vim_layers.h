// The layers that all Vim models are made of: how they are read from a checkpoint, how patches are scored,
// and how a call is reported.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/dyvm_config.h"
#include "model/prediction.h"
#include "model/tensor_reader.h"
#include "model/vim_tensors.h"
#include "ops/backend.h"
#include "ops/workspace.h"

namespace winnow {

inline constexpr float kVimEpsilon = 1e-5f;  // of every norm in these models

// The first `images` of `tensor`, each cut to `rows` of its rows.
template <typename T>
TensorView<T> view(TensorView<T> tensor, int images, int rows) {
  if (tensor.rank() == 2) return {tensor.data(), {images, rows}};
  return {tensor.data(), {images, rows, tensor.extent(2)}};
}

// DyVM's patch score (section 3.2): LayerNorm, in, GELU, half of it pooled, then out0 to out4 with GELUs
// between.
struct ScorePredictor {
  float* norm_weight = nullptr;
  float* norm_bias = nullptr;
  std::unique_ptr<Linear> in, out0, out2, out4;
};

// Between the layers of a score predictor, for B images of up to M patches.
struct PredictorBuffers {
  void take(Workspace& workspace, int images, int patches, int dim);
  Tensor normed, features, half, quarter, pairs;  // [B,M,D], [B,M,D], [B,M,D/2], [B,M,D/4], [B,M,2]
};

// scores [B, patches] of the patches of stream [B, L, D].
void score_patches(Backend& backend, const ScorePredictor& predictor, const PredictorBuffers& buffers,
                   Tensor stream, const SpecialTokens& special, Tensor scores);

// A block's tensors with the sizes and constants of its model, but for its gate, which is folded from them.
BlockWeights block_weights(const DyvmConfig& config, const BlockTensors<const float*>& tensors);

// Hands a checkpoint's layers, whose names begin with `prefix`, to a backend. The first failure stays in the
// reader; after it nothing is read.
class VimLayers {
 public:
  VimLayers(const DyvmConfig& config, TensorReader& read, std::string prefix, Backend& backend)
      : config_(config), read_(read), prefix_(std::move(prefix)), backend_(backend) {}

  bool good() const { return static_cast<bool>(read_.status); }
  const float* tensor(const std::string& name, const Weights::Shape& shape) {
    return read_(prefix_ + name, shape);
  }
  // All but the special tokens and the positions, which are the model's own.
  PatchEmbeddingWeights patch_weights();
  void patch_embedding(std::unique_ptr<PatchEmbedding>& place, const PatchEmbeddingWeights& weights);
  void blocks(std::vector<std::unique_ptr<Block>>& out);
  void predictors(std::vector<ScorePredictor>& out);
  void linear(std::unique_ptr<Linear>& place, const std::string& name, int outputs, int inputs,
              bool biased = true);
  // Its values are there after place_vectors.
  void vector(float*& place, const std::string& name, int length);
  // Likewise for values that stay where they are until then.
  void constant(float*& place, const float* values, int length) {
    vectors_.push_back({&place, values, length});
  }
  // Writes the vectors read so far into `constants`.
  Status place_vectors(Workspace& constants);

 private:
  struct Vector {
    float** place;
    const float* values;
    int length;
  };
  // Moves what the backend made into its place, or keeps its failure.
  template <typename Layer>
  void keep(std::unique_ptr<Layer>& place, Result<std::unique_ptr<Layer>> made) {
    if (made)
      place = std::move(*made);
    else
      read_.status = made.error();
  }
  // `tensor`, to be handed on.
  auto reader() {
    return [this](const std::string& name, const Weights::Shape& shape) { return tensor(name, shape); };
  }
  BlockWeights block(int layer, std::vector<float>& gate);

  const DyvmConfig& config_;
  TensorReader& read_;
  std::string prefix_;
  Backend& backend_;
  std::vector<Vector> vectors_;
};

// What a call knows of its B images when its last block is done.
struct Progress {
  int images, depth, patches;                           // patches before any pruning
  const std::vector<int>& kept;                         // patches after each stage
  const std::vector<Tensor>& scores;                    // per stage [B, M]
  const std::vector<TensorView<std::int32_t>>& chosen;  // per stage [B, M]: indices among the patches before
  TensorView<std::uint8_t> directions;                  // [depth, B]
  Tensor gate_logits;                                   // [depth, B, 2]; empty without block selection
};

// Writes receipts.
class Reporter {
 public:
  // All of `outputs` but its logits and its time.
  void report(Backend& backend, const Progress& progress, bool trace, Outputs& outputs);

 private:
  std::vector<std::uint8_t> ran_;        // host copy of directions [depth, B]
  std::vector<std::int32_t> positions_;  // original positions of the patches that one image still has
};

// The options' block threshold and ratios. Fails with bad_argument.
Result<std::vector<int>> check_options(const DyvmConfig& config, const DynamicOptions& options);

}  // namespace winnow
