// The way back through a backbone: see backbone.h.
#include <algorithm>
#include <cmath>

#include "model/vim_layers.h"
#include "train/network/backbone.h"

namespace winnow::train {

float Backbone::absent_mask(int image, const float* row) const {
  const int dim = c_.embed_dim;
  const float* asked = d_absent_.data() + offset(image, dim + 1);
  double sum = 0.0, squares = 0.0;
  for (int d = 0; d < dim; ++d) {
    sum += static_cast<double>(asked[d]) * row[d];
    squares += static_cast<double>(row[d]) * row[d];
  }
  return static_cast<float>(sum / std::sqrt(squares / dim + kVimEpsilon) - asked[dim]);
}

void Backbone::prune_backward(int stage, const float* weights, const DecisionGradients& decisions,
                              const float* d_dropped, float* gradients) {
  const int dim = c_.embed_dim, patches = c_.patches();
  const PredictorOffsets& offsets = table_.predictors[stage];
  const Sequences &before = segments_[stage], &behind = segments_[stage + 1];
  Stage& s = stages_[stage];
  parts_.clear(offsets.size);
  parts_.run([&](ImageRange range, int index, int thread) {
    PredictorMemory& m = memories_[thread].predictor;
    for (int b = range.first; b < range.last; ++b) {
      const Sequences::Sequence &from = behind.images[b], &to = before.images[b];
      const std::size_t first = offset(b, patches);
      const auto row_before = [&](int i) { return s.rows.data() + (first + s.order[first + i]) * dim; };
      const float ratio = decisions.policies.empty() ? 0.0f : decisions.policies[stage][b];
      for (int i = 0; i < patches; ++i) {
        const float masked = i < from.patches()  ? d_mask_[from.row_of_patch(i)]
                             : d_absent_.empty() ? 0.0f
                                                 : absent_mask(b, row_before(i));
        m.d_policy[s.order[first + i]] = ratio + masked + d_policy_[first + i];
      }
      predictors_[stage].gradient(weights + offsets.begin, s.rows.data() + first * dim, to.kept(),
                                  {s.decisions.data() + first, s.probabilities.data() + first}, m.d_policy,
                                  d_policy_.data() + first, parts_.partial(index), m);
      float* d = d_spare_.data() + offset(to.begin, dim);
      std::fill_n(d, offset(to.length, dim), 0.0f);
      if (from.class_tokens() > 0)
        std::copy_n(d_stream_.data() + offset(from.begin + from.class_row, dim), dim,
                    d + offset(to.class_row, dim));
      for (int i = 0; i < from.kept(); ++i)
        std::copy_n(d_stream_.data() + offset(from.row_of_patch(i), dim), dim,
                    d_spare_.data() + offset(to.row_of_patch(s.order[first + i]), dim));
      for (int i = from.kept(); i < to.kept() && d_dropped != nullptr; ++i)
        std::copy_n(d_dropped + (first + s.positions[first + i]) * dim, dim,
                    d_spare_.data() + offset(to.row_of_patch(s.order[first + i]), dim));
      for (int i = 0; i < to.kept(); ++i)
        ops_.add(dim, m.d_rows + offset(i, dim), d_spare_.data() + offset(to.row_of_patch(i), dim));
    }
  });
  std::swap(d_stream_, d_spare_);
  std::copy_n(parts_.add_up(offsets.size), offsets.size, gradients + offsets.begin);
}

void Backbone::embed_backward(float* gradients) {
  const Sequences& sequences = segments_[0];
  const EmbeddingOffsets& offsets = table_.embedding;
  const int dim = c_.embed_dim, patches = c_.patches(), pixels = 3 * c_.patch_size * c_.patch_size;
  parts_.clear(offsets.size);
  parts_.run([&](ImageRange range, int index, int thread) {
    Memory& m = memories_[thread];
    float* d = parts_.partial(index);
    for (int b = range.first; b < range.last; ++b) {
      const Sequences::Sequence& s = sequences.images[b];
      const float* d_stream = d_stream_.data() + offset(s.begin, dim);
      ops_.add(offset(s.length, dim), d_stream, d + offsets.position);
      if (s.class_tokens() > 0) ops_.add(dim, d_stream + offset(s.class_row, dim), d + offsets.class_token);
      for (int i = 0; i < patches; ++i)
        std::copy_n(d_stream_.data() + offset(s.row_of_patch(i), dim), dim,
                    m.patch_rows.data() + offset(i, dim));
      cut_patches(b, m.patches.data());
      ops_.linear_weight_gradient({patches, pixels, dim, pixels}, m.patch_rows.data(), m.patches.data(),
                                  d + offsets.weight, d + offsets.bias);
    }
  });
  std::copy_n(parts_.add_up(offsets.size), offsets.size, gradients + offsets.begin);
}

float* Backbone::d_final() {
  fit(d_stream_, offset(images_, (c_.patches() + 1) * c_.embed_dim));
  for (int layer : added_by_)
    tapes_[layer].d_added.assign(offset(segments_[segment_of(layer)].rows, c_.embed_dim), 0.0f);
  return d_stream_.data();
}

void Backbone::blocks_backward(int segment, const DecisionGradients& decisions, float* gradients) {
  const Sequences& sequences = segments_[segment];
  const bool pruned = segment > 0, by_mean = pruned && c_.dense() && c_.block_selection;
  d_mask_.assign(sequences.rows, 0.0f);
  if (by_mean) d_absent_.assign(offset(images_, c_.embed_dim + 1), 0.0f);
  const BlockGradients asked{decisions.gates, d_stream_.data(), pruned ? d_mask_.data() : nullptr,
                             by_mean ? d_absent_.data() : nullptr};
  for (int layer = last_layer(segment) - 1; layer >= first_layer(segment); --layer) {
    const BlockOffsets& offsets = table_.blocks[layer];
    const float* prepared = prepared_.data() + offsets.begin;
    parts_.clear(offsets.size);
    parts_.run([&](ImageRange range, int index, int thread) {
      BatchParts::for_groups(range, sequences, [&](ImageRange images) {
        blocks_[layer].backward(prepared, sequences, images, tape(layer), asked, parts_.partial(index),
                                memories_[thread].block);
      });
    });
    blocks_[layer].finish(prepared, parts_.add_up(offsets.size), gradients + offsets.begin);
  }
}

void Backbone::backward(const std::vector<float>& weights, const DecisionGradients& decisions,
                        const float* d_dropped, std::vector<float>& gradients) {
  d_policy_.assign(offset(images_, c_.patches()), 0.0f);
  for (int segment = static_cast<int>(segments_.size()) - 1; segment >= 0; --segment) {
    blocks_backward(segment, decisions, gradients.data());
    if (segment > 0) prune_backward(segment - 1, weights.data(), decisions, d_dropped, gradients.data());
  }
  embed_backward(gradients.data());
}

}  // namespace winnow::train
