// The way back through a network: see network.h.
#include <algorithm>

#include "train/network/network.h"

namespace winnow::train {

void Network::clear_partials(std::size_t size) {
  fit(partials_, parts() * partial_size_);
  ops_.run(parts(), [&](int index, int) { std::fill_n(partial(index), size, 0.0f); });
}

void Network::sum_partials(std::size_t size) {
  constexpr std::size_t kPiece = 4096;
  ops_.run(static_cast<int>((size + kPiece - 1) / kPiece), [&](int piece, int) {
    const std::size_t begin = piece * kPiece, length = std::min(kPiece, size - begin);
    for (int index = 1; index < parts(); ++index)
      ops_.add(length, partial(index) + begin, partial(0) + begin);
  });
}

void Network::classify_backward(const float* weights, const OutputGradients& outputs, float* gradients) {
  const Sequences& sequences = segments_.back();
  const int dim = c_.embed_dim;
  const HeadOffsets& offsets = table_.head;
  const float* w = weights + offsets.begin;
  clear_partials(offsets.size);
  ops_.run(parts(), [&](int index, int) {
    float* d = partial(index);
    std::vector<float> d_tokens;
    const ImageRange range = part(index);
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
      float* d_stream = d_stream_.data() + offset(s.begin, dim);
      std::fill_n(d_stream, offset(s.length, dim), 0.0f);
      ops_.rms_norm_gradient(s.length, dim, final_.data() + offset(s.begin, dim), w + offsets.norm,
                             d_tokens.data(), d_stream, d + offsets.norm);
    }
  });
  sum_partials(offsets.size);
  std::copy_n(partial(0), offsets.size, gradients + offsets.begin);
}

void Network::prune_backward(int stage, const float* weights, const OutputGradients& outputs,
                             float* gradients) {
  const int dim = c_.embed_dim, patches = c_.patches();
  const PredictorOffsets& offsets = table_.predictors[stage];
  const Sequences &before = segments_[stage], &behind = segments_[stage + 1];
  Stage& s = stages_[stage];
  clear_partials(offsets.size);
  ops_.run(parts(), [&](int index, int thread) {
    PredictorMemory& m = memories_[thread].predictor;
    const ImageRange range = part(index);
    for (int b = range.first; b < range.last; ++b) {
      const Sequences::Sequence &from = behind.images[b], &to = before.images[b];
      const std::size_t first = offset(b, patches);
      const float ratio = outputs.policies.empty() ? 0.0f : outputs.policies[stage][b];
      for (int i = 0; i < patches; ++i) {
        const float masked = i < from.patches() ? d_mask_[from.row_of_patch(i)] : 0.0f;
        m.d_policy[s.order[first + i]] = ratio + masked + d_policy_[first + i];
      }
      predictors_[stage].gradient(weights + offsets.begin, s.rows.data() + first * dim, to.kept(),
                                  {s.decisions.data() + first, s.probabilities.data() + first}, m.d_policy,
                                  d_policy_.data() + first, partial(index), m);
      float* d = d_spare_.data() + offset(to.begin, dim);
      std::fill_n(d, offset(to.length, dim), 0.0f);
      std::copy_n(d_stream_.data() + offset(from.begin + from.class_row, dim), dim,
                  d + offset(to.class_row, dim));
      for (int i = 0; i < from.kept(); ++i)
        std::copy_n(d_stream_.data() + offset(from.row_of_patch(i), dim), dim,
                    d_spare_.data() + offset(to.row_of_patch(s.order[first + i]), dim));
      for (int i = 0; i < to.kept(); ++i)
        ops_.add(dim, m.d_rows + offset(i, dim), d_spare_.data() + offset(to.row_of_patch(i), dim));
    }
  });
  std::swap(d_stream_, d_spare_);
  sum_partials(offsets.size);
  std::copy_n(partial(0), offsets.size, gradients + offsets.begin);
}

void Network::embed_backward(float* gradients) {
  const Sequences& sequences = segments_[0];
  const EmbeddingOffsets& offsets = table_.embedding;
  const int dim = c_.embed_dim, patches = c_.patches(), pixels = 3 * c_.patch_size * c_.patch_size;
  clear_partials(offsets.size);
  ops_.run(parts(), [&](int index, int thread) {
    Memory& m = memories_[thread];
    float* d = partial(index);
    const ImageRange range = part(index);
    for (int b = range.first; b < range.last; ++b) {
      const Sequences::Sequence& s = sequences.images[b];
      const float* d_stream = d_stream_.data() + offset(s.begin, dim);
      ops_.add(offset(s.length, dim), d_stream, d + offsets.position);
      ops_.add(dim, d_stream + offset(s.class_row, dim), d + offsets.class_token);
      for (int i = 0; i < patches; ++i)
        std::copy_n(d_stream_.data() + offset(s.row_of_patch(i), dim), dim,
                    m.patch_rows.data() + offset(i, dim));
      cut_patches(b, m.patches.data());
      ops_.linear_weight_gradient({patches, pixels, dim, pixels}, m.patch_rows.data(), m.patches.data(),
                                  d + offsets.weight, d + offsets.bias);
    }
  });
  sum_partials(offsets.size);
  std::copy_n(partial(0), offsets.size, gradients + offsets.begin);
}

void Network::backward(const std::vector<float>& weights, const OutputGradients& outputs,
                       std::vector<float>& gradients) {
  gradients.assign(table_.size(), 0.0f);
  const std::size_t most = offset(images_, (c_.patches() + 1) * c_.embed_dim);
  fit(d_stream_, most);
  d_policy_.assign(offset(images_, c_.patches()), 0.0f);
  classify_backward(weights.data(), outputs, gradients.data());
  for (int segment = static_cast<int>(segments_.size()) - 1; segment >= 0; --segment) {
    const Sequences& sequences = segments_[segment];
    d_mask_.assign(sequences.rows, 0.0f);
    for (int layer = last_layer(segment) - 1; layer >= first_layer(segment); --layer) {
      const BlockOffsets& offsets = table_.blocks[layer];
      const float* prepared = prepared_.data() + offsets.begin;
      clear_partials(offsets.size);
      ops_.run(parts(), [&](int index, int thread) {
        for_groups(index, sequences, [&](ImageRange range) {
          blocks_[layer].backward(prepared, sequences, range, tape(layer), outputs.gates, d_stream_.data(),
                                  segment > 0 ? d_mask_.data() : nullptr, partial(index),
                                  memories_[thread].block);
        });
      });
      sum_partials(offsets.size);
      blocks_[layer].finish(prepared, partial(0), gradients.data() + offsets.begin);
    }
    if (segment > 0) prune_backward(segment - 1, weights.data(), outputs, gradients.data());
  }
  embed_backward(gradients.data());
}

}  // namespace winnow::train
