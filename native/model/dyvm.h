// DyVM, the Dynamic Vision Mamba (arXiv 2504.04787), and its unpruned parents Vim, VideoMamba and MambaReg
// (arXiv 2405.14858): classification.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/vim_layers.h"

namespace winnow {

class DyvmModel {
 public:
  // Checks every tensor against the config and hands it to the backend, which outlives the model.
  // Fails with bad_model, naming the tensor that is missing, unexpected, of a wrong shape or not finite.
  static Result<std::unique_ptr<DyvmModel>> create(const DyvmConfig& config, Weights& weights,
                                                   Backend& backend);

  // pixels [B, S, S, 3]: RGB bytes. Fails with bad_argument, cancelled, or engine when memory is short.
  Status predict(const std::uint8_t* pixels, int images, const DynamicOptions& options, Outputs& outputs);
  // input [B, 3, S, S]: already normalised.
  Status predict_normalised(const float* input, int images, const DynamicOptions& options, Outputs& outputs);

  const DyvmConfig& config() const { return config_; }

 private:
  // Tensors of one call, for B images and the tokens before any pruning.
  struct Buffers {
    TensorView<std::uint8_t> pixels;  // [B, S, S, 3]
    Tensor images;                    // [B, 3, S, S]
    Tensor stream, gathered;          // [B, L, D]
    PredictorBuffers predictor;
    std::vector<Tensor> scores;                  // per stage [B, M]
    std::vector<TensorView<std::int32_t>> kept;  // per stage [B, M]
    TensorView<std::int32_t> replayed;           // [B, M]
    TensorView<std::uint8_t> directions;         // [depth, B]
    Tensor gate_logits;                          // [depth, B, 2]
    Tensor special;                              // [B, n, D]: the special tokens
    Tensor narrowed, joined;                     // registers: [B, n, D/q], [B, 1, n D/q]
    Tensor logits;                               // [B, classes]
  };

  DyvmModel(const DyvmConfig& config, Backend& backend)
      : config_(config), backend_(backend), constants_(backend), workspace_(backend) {}
  Status load(Weights& weights);
  Status plan(int images);
  // From buffers_.images on. `kept`: patches after each stage.
  Status forward(int images, const std::vector<int>& kept, const DynamicOptions& options);
  // buffers_.logits from the last block's stream.
  void classify(Tensor stream, const SpecialTokens& special);
  std::vector<std::int64_t> call_key(int images, const std::vector<int>& kept,
                                     const DynamicOptions& options) const;
  template <typename Load>
  Status run(int images, const DynamicOptions& options, Outputs& outputs, Load load);

  DyvmConfig config_;
  Backend& backend_;
  Workspace constants_, workspace_;
  std::unique_ptr<PatchEmbedding> embedding_;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::vector<ScorePredictor> predictors_;
  float* final_norm_ = nullptr;
  float* neck_norm_ = nullptr;    // registers
  std::unique_ptr<Linear> neck_;  // registers
  std::unique_ptr<Linear> head_;
  Buffers buffers_;
  Reporter reporter_;
};

}  // namespace winnow
