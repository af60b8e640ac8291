// Names and shapes of the tensors in the blocks and score predictors of Vim models. A caller says what stands
// for a tensor: a pointer to its values, or an offset in a vector of all of them.
#pragma once

#include <array>
#include <string>

#include "model/dyvm_config.h"
#include "model/weights.h"
#include "ops/backend.h"

namespace winnow {

template <typename T>
struct BlockTensors {
  T norm, in_proj, out_proj;
  std::array<ScanTensors<T>, 2> directions;  // forward, backward
  T head_weight{}, head_bias{};              // of a model with block selection
};

template <typename T>
struct PredictorTensors {
  struct Layer {
    T weight, bias;
    int outputs, inputs;
  };
  T norm_weight, norm_bias;
  Layer in, out0, out2, out4;
};

// `tensor(name, shape)` gives a T.
template <typename T, typename Tensor>
ScanTensors<T> scan_tensors(const DyvmConfig& c, const std::string& mixer, bool backward, Tensor tensor) {
  const std::string suffix = backward ? "_b" : "";
  const int inner = c.inner_dim();
  return {.conv_weight = tensor(mixer + "conv1d" + suffix + ".weight", {inner, 1, c.conv_width}),
          .conv_bias = tensor(mixer + "conv1d" + suffix + ".bias", {inner}),
          .x_proj = tensor(mixer + "x_proj" + suffix + ".weight", {c.dt_rank + 2 * c.state_dim, inner}),
          .dt_weight = tensor(mixer + "dt_proj" + suffix + ".weight", {inner, c.dt_rank}),
          .dt_bias = tensor(mixer + "dt_proj" + suffix + ".bias", {inner}),
          .a_log = tensor(mixer + (backward ? "A_b_log" : "A_log"), {inner, c.state_dim}),
          .d = tensor(mixer + "D" + suffix, {inner})};
}

// Likewise.
template <typename T, typename Tensor>
BlockTensors<T> block_tensors(const DyvmConfig& c, int layer, Tensor tensor) {
  const std::string prefix = "layers." + std::to_string(layer) + ".", mixer = prefix + "mixer.";
  const int inner = c.inner_dim(), dim = c.embed_dim;
  BlockTensors<T> block{
      .norm = tensor(prefix + "norm.weight", {dim}),
      .in_proj = tensor(mixer + "in_proj.weight", {2 * inner, dim}),
      .out_proj = tensor(mixer + "out_proj.weight", {dim, inner}),
      .directions = {scan_tensors<T>(c, mixer, false, tensor), scan_tensors<T>(c, mixer, true, tensor)}};
  if (c.block_selection) {
    block.head_weight = tensor(mixer + "block_head.weight", {2, 2 * inner});
    block.head_bias = tensor(mixer + "block_head.bias", {2});
  }
  return block;
}

// Likewise, of the predictor in front of stage `stage`.
template <typename T, typename Tensor>
PredictorTensors<T> predictor_tensors(const DyvmConfig& c, int stage, Tensor tensor) {
  const std::string prefix = "score_predictors." + std::to_string(stage) + ".";
  const int dim = c.embed_dim;
  const auto layer = [&](const std::string& name, int outputs, int inputs) ->
      typename PredictorTensors<T>::Layer {
        return {.weight = tensor(prefix + name + ".weight", {outputs, inputs}),
                .bias = tensor(prefix + name + ".bias", {outputs}),
                .outputs = outputs,
                .inputs = inputs};
      };
  return {.norm_weight = tensor(prefix + "in_conv.0.weight", {dim}),
          .norm_bias = tensor(prefix + "in_conv.0.bias", {dim}),
          .in = layer("in_conv.1", dim, dim),
          .out0 = layer("out_conv.0", dim / 2, dim),
          .out2 = layer("out_conv.2", dim / 4, dim / 2),
          .out4 = layer("out_conv.4", 2, dim / 4)};
}

}  // namespace winnow
