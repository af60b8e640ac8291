#include "train/network/parameters.h"

#include <algorithm>

#include "model/tensor_reader.h"

namespace winnow::train {

std::string backbone_prefix(const DyvmConfig& config) {
  if (!config.dense()) return "";
  return config.detection ? "backbone.net." : "backbone.";
}

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
  const int dim = c.embed_dim, class_tokens = c.dense() ? 0 : 1;
  const std::string prefix = backbone_prefix(c);
  if (class_tokens > 0) embedding.class_token = add("cls_token", {1, 1, dim}, 0, false);
  embedding.position = add(prefix + "pos_embed", {1, c.patches() + class_tokens, dim}, 0, false);
  embedding.weight = add(prefix + "patch_embed.proj.weight", {dim, 3, c.patch_size, c.patch_size}, 0);
  embedding.bias = add(prefix + "patch_embed.proj.bias", {dim}, 0);
  embedding.size = size_;

  // Offsets of what is added from here on, from here on.
  const auto within = [&](std::size_t begin) {
    return [this, prefix, begin](const std::string& name, const Weights::Shape& shape) {
      return add(prefix + name, shape, begin, !name.ends_with("_log"));
    };
  };
  for (int layer = 0; layer < c.depth; ++layer) {
    const std::size_t begin = size_;
    const auto tensors = block_tensors<std::size_t>(c, layer, within(begin));
    blocks.push_back({tensors, begin, size_ - begin});
  }
  for (std::size_t stage = 0; stage < c.pruning_layers.size(); ++stage) {
    const std::size_t begin = size_;
    const auto tensors = predictor_tensors<std::size_t>(c, static_cast<int>(stage), within(begin));
    predictors.push_back({tensors, begin, size_ - begin});
  }

  if (c.dense()) return;
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
