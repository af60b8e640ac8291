// DyVM, the Dynamic Vision Mamba (arXiv 2504.04787), and its unpruned parents Vim, VideoMamba and MambaReg
// (arXiv 2405.14858): classification.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "model/dyvm_config.h"
#include "model/weights.h"
#include "ops/backend.h"
#include "ops/workspace.h"

namespace winnow {

// How much of the model a call uses.
struct DynamicOptions {
  std::vector<double> token_keep;  // one ratio per pruning stage, of the patches before any pruning
  float block_threshold = 0.5f;    // a direction runs where sigmoid(its logit) is above this
  bool trace = false;              // also report scores and gate logits
  // Patches to go on with at each stage, [B, k], in place of the best ones: for comparing with a recorded
  // run.
  const std::vector<std::vector<std::int32_t>>* replay = nullptr;
  const std::atomic<bool>* cancel = nullptr;  // set by any thread; looked at before every block
};

// What came out for B images, and what it took: the receipt.
struct Outputs {
  int images = 0;
  std::vector<float> logits;             // [B, classes]
  std::vector<std::uint8_t> directions;  // [B, depth]: kForward | kBackward where that scan ran
  std::vector<std::uint8_t> survived;    // [B, M]: pruning stages that the patch survived
  std::vector<std::vector<std::int32_t>>
      kept;                                // per stage [B, k]: indices among the patches before that stage
  std::vector<std::vector<float>> scores;  // per stage [B, patches before]; only with trace
  double milliseconds = 0.0;               // of the whole batch
  std::vector<float> gate_logits;          // [depth, B, 2]; only with trace, zero without block selection
};

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
  // DyVM's patch score (section 3.2): LayerNorm, in, GELU, half of it pooled, then out0 to out4 with GELUs
  // between.
  struct ScorePredictor {
    float* norm_weight = nullptr;
    float* norm_bias = nullptr;
    std::unique_ptr<Linear> in, out0, out2, out4;
  };
  // Tensors of one call, for B images and the tokens before any pruning.
  struct Buffers {
    TensorView<std::uint8_t> pixels;  // [B, S, S, 3]
    Tensor images;                    // [B, 3, S, S]
    Tensor stream, gathered;          // [B, L, D]
    Tensor predictor[4];         // of the score predictor: [B, M, D], [B, M, D], [B, M, D/2], [B, M, D/4]
    Tensor pairs;                // [B, M, 2]
    std::vector<Tensor> scores;  // per stage [B, M]
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
  void score(const ScorePredictor& predictor, Tensor stream, const SpecialTokens& special, Tensor scores);
  // buffers_.logits from the last block's stream.
  void classify(Tensor stream, const SpecialTokens& special);
  void report(int images, const std::vector<int>& kept, bool trace, Outputs& outputs);
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
  std::vector<std::uint8_t> ran_;        // host copy of directions [depth, B]
  std::vector<std::int32_t> positions_;  // original positions of the patches that one image still has
};

}  // namespace winnow
