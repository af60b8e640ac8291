#include "train/network/network.h"

#include <algorithm>

namespace winnow::train {

Result<std::unique_ptr<Network>> Network::create(const DyvmConfig& config, Operations& operations,
                                                 bool learns) {
  if (config.dense() || !config.family->is_trained)
    return Error{ErrorCode::bad_argument,
                 "Expected a Vim, VideoMamba or DyVM classifier: models with registers, for segmentation or "
                 "for detection cannot be trained."};
  if (!config.pruning_layers.empty() && config.embed_dim % 4 != 0)
    return Error{ErrorCode::bad_argument, "Expected embedDim to be a multiple of 4 in a model that prunes."};
  if (!learns && !config.pruning_layers.empty())
    return Error{ErrorCode::bad_argument, "Expected a model without pruning where nothing is learned."};
  return std::unique_ptr<Network>(new Network(config, operations, learns));
}

void Network::classify(const float* weights) {
  const Sequences& sequences = backbone_.sequences();
  const int dim = c_.embed_dim;
  const float* w = weights + table_.head.begin;
  fit(tokens_, offset(sequences.rows, dim));
  fit(logits_, offset(images(), c_.classes));
  backbone_.parts().run([&](ImageRange part, int, int) {
    BatchParts::for_groups(part, sequences, [&](ImageRange range) {
      for (int b = range.first; b < range.last; ++b) {
        const Sequences::Sequence& s = sequences.images[b];
        ops_.rms_norm(s.length, dim, backbone_.final_stream() + offset(s.begin, dim), w + table_.head.norm,
                      tokens_.data() + offset(s.begin, dim));
        ops_.linear({1, dim, c_.classes, dim}, tokens_.data() + offset(s.begin + s.class_row, dim),
                    w + table_.head.weight, w + table_.head.bias, false,
                    logits_.data() + offset(b, c_.classes));
      }
    });
  });
}

void Network::classify_backward(const float* weights, const OutputGradients& outputs, float* gradients) {
  const Sequences& sequences = backbone_.sequences();
  const int dim = c_.embed_dim;
  const HeadOffsets& offsets = table_.head;
  const float* w = weights + offsets.begin;
  BatchParts& parts = backbone_.parts();
  float* d_final = backbone_.d_final();
  parts.clear(offsets.size);
  parts.run([&](ImageRange range, int index, int) {
    float* d = parts.partial(index);
    std::vector<float> d_tokens;
    for (int b = range.first; b < range.last; ++b) {
      const Sequences::Sequence& s = sequences.images[b];
      const LinearShape shape{1, dim, c_.classes, dim};
      const float* d_logits = outputs.logits.data() + offset(b, c_.classes);
      d_tokens.assign(offset(s.length, dim), 0.0f);
      if (!outputs.tokens.empty())
        std::copy_n(outputs.tokens.data() + offset(s.begin, dim), d_tokens.size(), d_tokens.begin());
      ops_.linear_weight_gradient(shape, d_logits, tokens_.data() + offset(s.begin + s.class_row, dim),
                                  d + offsets.weight, d + offsets.bias);
      ops_.linear_input_gradient(shape, d_logits, w + offsets.weight, true,
                                 d_tokens.data() + offset(s.class_row, dim));
      float* d_stream = d_final + offset(s.begin, dim);
      std::fill_n(d_stream, offset(s.length, dim), 0.0f);
      ops_.rms_norm_gradient(s.length, dim, backbone_.final_stream() + offset(s.begin, dim), w + offsets.norm,
                             d_tokens.data(), d_stream, d + offsets.norm);
    }
  });
  std::copy_n(parts.add_up(offsets.size), offsets.size, gradients + offsets.begin);
}

void Network::forward(const std::vector<float>& weights, const float* input, int count,
                      const StepNoise* noise) {
  backbone_.forward(weights, input, count, noise);
  classify(weights.data());
}

void Network::backward(const std::vector<float>& weights, const OutputGradients& outputs,
                       std::vector<float>& gradients) {
  gradients.assign(table_.size(), 0.0f);
  classify_backward(weights.data(), outputs, gradients.data());
  backbone_.backward(weights, outputs, nullptr, gradients);
}

std::size_t Network::bytes() const {
  return backbone_.bytes() + (tokens_.capacity() + logits_.capacity()) * sizeof(float);
}

}  // namespace winnow::train
