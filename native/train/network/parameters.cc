#include "train/network/parameters.h"

#include <algorithm>

#include "model/tensor_reader.h"

namespace winnow::train {

std::size_t ParameterTable::add(const std::string& name, Weights::Shape shape, std::size_t begin,
                                bool decays) {
  std::size_t count = 1;
  for (std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
  const std::size_t offset = size_;
  parameters_.push_back({name, shape, offset, count, decays && shape.size() > 1});
  size_ += count;
  return offset - begin;
}

ParameterTable::ParameterTable(const DyvmConfig& c) {
  const int dim = c.embed_dim, inner = c.inner_dim(), projected = c.dt_rank + 2 * c.state_dim;
  embedding.class_token = add("cls_token", {1, 1, dim}, 0, false);
  embedding.position = add("pos_embed", {1, c.patches() + 1, dim}, 0, false);
  embedding.weight = add("patch_embed.proj.weight", {dim, 3, c.patch_size, c.patch_size}, 0);
  embedding.bias = add("patch_embed.proj.bias", {dim}, 0);
  embedding.size = size_;

  for (int layer = 0; layer < c.depth; ++layer) {
    const std::string block = "layers." + std::to_string(layer) + ".", mixer = block + "mixer.";
    BlockOffsets& offsets = blocks.emplace_back();
    const std::size_t begin = offsets.begin = size_;
    offsets.norm = add(block + "norm.weight", {dim}, begin);
    offsets.in_proj = add(mixer + "in_proj.weight", {2 * inner, dim}, begin);
    offsets.out_proj = add(mixer + "out_proj.weight", {dim, inner}, begin);
    for (int direction = 0; direction < 2; ++direction) {
      const std::string suffix = direction == 0 ? "" : "_b";
      BlockOffsets::Direction& d = offsets.directions[direction];
      d.taps = add(mixer + "conv1d" + suffix + ".weight", {inner, 1, c.conv_width}, begin);
      d.bias = add(mixer + "conv1d" + suffix + ".bias", {inner}, begin);
      d.projection = add(mixer + "x_proj" + suffix + ".weight", {projected, inner}, begin);
      d.step_weight = add(mixer + "dt_proj" + suffix + ".weight", {inner, c.dt_rank}, begin);
      d.step_bias = add(mixer + "dt_proj" + suffix + ".bias", {inner}, begin);
      d.state_matrix =
          add(mixer + (direction == 0 ? "A_log" : "A_b_log"), {inner, c.state_dim}, begin, false);
      d.skip = add(mixer + "D" + suffix, {inner}, begin);
    }
    if (c.block_selection) {
      offsets.head_weight = add(mixer + "block_head.weight", {2, 2 * inner}, begin);
      offsets.head_bias = add(mixer + "block_head.bias", {2}, begin);
    }
    offsets.size = size_ - begin;
  }

  for (std::size_t stage = 0; stage < c.pruning_layers.size(); ++stage) {
    const std::string name = "score_predictors." + std::to_string(stage) + ".";
    PredictorOffsets& offsets = predictors.emplace_back();
    const std::size_t begin = offsets.begin = size_;
    offsets.norm_weight = add(name + "in_conv.0.weight", {dim}, begin);
    offsets.norm_bias = add(name + "in_conv.0.bias", {dim}, begin);
    const auto linear = [&](const std::string& layer, int outputs, int inputs) {
      const std::size_t weight = add(name + layer + ".weight", {outputs, inputs}, begin);
      return PredictorOffsets::Layer{weight, add(name + layer + ".bias", {outputs}, begin)};
    };
    offsets.in = linear("in_conv.1", dim, dim);
    offsets.out0 = linear("out_conv.0", dim / 2, dim);
    offsets.out2 = linear("out_conv.2", dim / 4, dim / 2);
    offsets.out4 = linear("out_conv.4", 2, dim / 4);
    offsets.size = size_ - begin;
  }

  head.begin = size_;
  head.norm = add("norm_f.weight", {dim}, head.begin);
  head.weight = add("head.weight", {c.classes, dim}, head.begin);
  head.bias = add("head.bias", {c.classes}, head.begin);
  head.size = size_ - head.begin;
}

Result<std::vector<float>> ParameterTable::read(Weights& weights) const {
  std::vector<float> values(size_);
  TensorReader read(weights);
  for (const Parameter& parameter : parameters_) {
    const float* from = read(parameter.name, parameter.shape);
    if (from == nullptr) return read.status.error();
    std::copy_n(from, parameter.size, values.begin() + static_cast<std::ptrdiff_t>(parameter.offset));
  }
  if (const Status complete = read.check_all_asked(); !complete) return complete.error();
  return values;
}

Weights ParameterTable::write(const std::vector<float>& values) const {
  Weights weights;
  for (const Parameter& parameter : parameters_) {
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(parameter.offset);
    weights.add(parameter.name, parameter.shape,
                {begin, begin + static_cast<std::ptrdiff_t>(parameter.size)});
  }
  return weights;
}

}  // namespace winnow::train
