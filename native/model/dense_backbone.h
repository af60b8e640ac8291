// Vim without a class token, whose patches make a map of features: the backbone of segmentation models
// (DyVM, arXiv 2504.04787, section 4.3) and of detection models (Vim, arXiv 2401.09417, section 4.3).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/vim_layers.h"

namespace winnow {

class DenseBackbone {
 public:
  // Reads the tensors whose names begin with `prefix` and hands them to the backend, which outlives the
  // backbone. The position embedding is interpolated where config.image_size is not the trained one. Fails
  // with bad_model, naming the tensor, or engine.
  static Result<std::unique_ptr<DenseBackbone>> load(const DyvmConfig& config, TensorReader& read,
                                                     const std::string& prefix, Backend& backend);

  // input [B, 3, S, S]: normalised, host memory. All of `outputs` but its logits is written. Fails with
  // bad_argument, cancelled, engine when memory is short, or as Backend::wait.
  Status forward(const float* input, int images, const DynamicOptions& options, Outputs& outputs);

  // Of the last forward pass, in the backend's memory, [B, g, g, D] with g = config.grid(), until the next
  // one. A patch that was pruned keeps the values that it had then.
  //
  // What each tapped block added to the stream, the residual left out; of models that have taps.
  const std::vector<Tensor>& taps() const { return taps_; }
  // The stream behind the last block; for the others.
  Tensor final_stream() const { return final_stream_; }

 private:
  // Tensors of one call, for B images and all M patches.
  struct Buffers {
    Tensor images;             // [B, 3, S, S]
    Tensor stream, gathered;   // [B, M, D]
    Tensor hidden;             // [B, M, D]: what the last block added, where that is asked for
    Tensor frozen;             // [B, M, D]: the stream with the pruned patches, where that is the feature
    std::vector<Tensor> taps;  // [B, M, D]
    PredictorBuffers predictor;
    std::vector<Tensor> scores;                  // per stage [B, M]
    std::vector<TensorView<std::int32_t>> kept;  // per stage [B, M]: indices among the patches before it
    TensorView<std::int32_t> rows;               // [B, M]: those of them to go on with
    TensorView<std::int32_t> indices;            // [B, M]: in raster order, of the patches there still are
    TensorView<std::uint8_t> directions;         // [depth, B]
    Tensor gate_logits;                          // [depth, B, 2]
  };

  DenseBackbone(const DyvmConfig& config, Backend& backend)
      : config_(config), backend_(backend), constants_(backend), workspace_(backend) {}
  Status read(TensorReader& read, const std::string& prefix);
  Status plan(int images);
  Status run(int images, const std::vector<int>& kept, const DynamicOptions& options);
  // Whether the values that block `layer` adds are needed: by a tap behind it, or by a later one for the
  // patches that are pruned before the next block.
  bool needs_hidden(int layer) const;
  bool is_tap(int layer) const;
  void rotate(Tensor tokens);
  // The `count` best of scores [B, patches], into kept [B, count]; and which to go on with, into
  // buffers_.rows and indices: they, or those of `replay`. The choice among equal ones is that of a row of
  // all patches, the pruned ones at minus infinity, as the original has it.
  Status choose(Tensor scores, int count, const std::vector<std::int32_t>* replay,
                TensorView<std::int32_t> kept);
  // Indices of the patches there are, in the backend's memory.
  TensorView<const std::int32_t> indices(int images, int patches) const {
    return {buffers_.indices.data(), {images, patches}};
  }

  DyvmConfig config_;
  Backend& backend_;
  Workspace constants_, workspace_;
  std::unique_ptr<PatchEmbedding> embedding_;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::vector<ScorePredictor> predictors_;
  float *cosines_ = nullptr, *sines_ = nullptr;  // [g, D/4] where tokens are rotated
  Buffers buffers_;
  std::vector<Tensor> taps_;
  Tensor final_stream_;
  Reporter reporter_;
  std::vector<std::int32_t> indices_;         // host copy of buffers_.indices, [B, patches]
  std::vector<float> scores_, dense_scores_;  // of `choose`
  std::vector<std::int32_t> order_, rows_;    // likewise
};

}  // namespace winnow
