#include "train/network/backbone.h"

#include <algorithm>

#include "train/random.h"

namespace winnow::train {
namespace {

template <typename Values>
std::size_t bytes_of(const Values& values) {
  return values.capacity() * sizeof(values[0]);
}

}  // namespace

StepNoise draw_noise(const DyvmConfig& c, int images, std::uint64_t seed) {
  Random random(seed);
  const auto draw = [&](std::vector<float>& draws, std::size_t count) {
    draws.resize(count);
    for (float& value : draws) value = static_cast<float>(random.exponential());
  };
  StepNoise noise;
  noise.tokens.resize(c.pruning_layers.size());
  for (auto& draws : noise.tokens) draw(draws, offset(images, 2 * c.patches()));
  if (!c.block_selection) return noise;
  noise.first.resize(c.depth);
  noise.second.resize(c.depth);
  for (int layer = 0; layer < c.depth; ++layer) {
    draw(noise.first[layer], 2ull * images);
    draw(noise.second[layer], 2ull * images);
  }
  return noise;
}

Backbone::Backbone(const DyvmConfig& config, const ParameterTable& table, Operations& operations, bool learns,
                   const std::vector<int>& added_by)
    : c_(config), table_(table), ops_(operations), learns_(learns), added_by_(added_by), parts_(operations) {
  for (const BlockOffsets& offsets : table_.blocks) blocks_.emplace_back(c_, offsets, ops_);
  for (const PredictorOffsets& offsets : table_.predictors) predictors_.emplace_back(c_, offsets, ops_);
  segments_.resize(c_.pruning_layers.size() + 1);
  stages_.resize(c_.pruning_layers.size());
  tapes_.resize(c_.depth);
  memories_.resize(ops_.threads());
  const int tokens = c_.patches() + (c_.dense() ? 0 : 1);
  for (Memory& m : memories_) {  // any thread may take any task
    m.block.reserve(c_, ops_, std::max(BatchParts::kGroupRows, tokens), tokens);
    if (!c_.pruning_layers.empty()) m.predictor.reserve(c_);
    m.patches.resize(offset(c_.patches(), 3 * c_.patch_size * c_.patch_size));
    m.patch_rows.resize(offset(c_.patches(), c_.embed_dim));
  }
  largest_ = std::max(table_.embedding.size, table_.head.size);
  for (const BlockOffsets& offsets : table_.blocks) largest_ = std::max(largest_, offsets.size);
  for (const PredictorOffsets& offsets : table_.predictors) largest_ = std::max(largest_, offsets.size);
  prepared_.resize(table_.size());
}

int Backbone::last_layer(int segment) const {
  return segment < static_cast<int>(c_.pruning_layers.size()) ? c_.pruning_layers[segment] : c_.depth;
}

int Backbone::segment_of(int layer) const {
  const auto& stages = c_.pruning_layers;
  return static_cast<int>(std::upper_bound(stages.begin(), stages.end(), layer) - stages.begin());
}

bool Backbone::is_added(int layer) const {
  return std::find(added_by_.begin(), added_by_.end(), layer) != added_by_.end();
}

// Without learning, all blocks share the first one's tape, and the stream goes through in place.
BlockTape Backbone::tape(int layer) {
  Tape& own = tapes_[layer];
  Tape& kept = learns_ ? own : tapes_[0];
  return {learns_ ? kept.stream.data() : final_.data(),
          kept.xz.data(),
          {kept.projected[0].data(), kept.projected[1].data()},
          {learns_ ? own.states[0].data() : nullptr, learns_ ? own.states[1].data() : nullptr},
          own.gate_logits.data(),
          own.gates.data(),
          own.added.empty() ? nullptr : own.added.data(),
          own.d_added.empty() ? nullptr : own.d_added.data()};
}

void Backbone::reserve(int segment) {
  const std::size_t rows = segments_[segment].rows;
  for (int layer = first_layer(segment); layer < last_layer(segment); ++layer) {
    Tape& own = tapes_[layer];
    fit(own.gate_logits, 2ull * images_);
    fit(own.gates, 2ull * images_);
    if (!learns_ && layer > 0) continue;
    if (learns_) fit(own.stream, offset(rows, c_.embed_dim));
    if (is_added(layer)) fit(own.added, offset(rows, c_.embed_dim));
    fit(own.xz, offset(rows, 2 * c_.inner_dim()));
    for (auto& projected : own.projected) fit(projected, offset(rows, c_.dt_rank + 2 * c_.state_dim));
    const std::size_t kept =
        rows / kScanTile * ScanShape{0, c_.inner_dim(), c_.state_dim, 0, false}.state_floats();
    for (auto& states : own.states) fit(states, learns_ ? kept : 0);
  }
}

void Backbone::cut_patches(int image, float* patches) const {
  const int side = c_.image_size, patch = c_.patch_size, grid = c_.grid();
  const float* from = input_ + offset(image, 3 * side * side);
  for (int row = 0; row < grid; ++row)
    for (int column = 0; column < grid; ++column)
      for (int channel = 0; channel < 3; ++channel)
        for (int y = 0; y < patch; ++y) {
          std::copy_n(from + (static_cast<std::size_t>(channel) * side + row * c_.stride + y) * side +
                          column * c_.stride,
                      patch, patches);
          patches += patch;
        }
}

void Backbone::embed(const float* weights, const float* input) {
  input_ = input;
  const int dim = c_.embed_dim, patches = c_.patches(), pixels = 3 * c_.patch_size * c_.patch_size;
  Sequences& sequences = segments_[0];
  sequences = {};
  for (int b = 0; b < images_; ++b)
    sequences.add(patches, patches, class_row(patches), c_.conv_width, whole_);
  reserve(0);
  if (!learns_) fit(final_, offset(sequences.rows, dim));
  float* stream = last_layer(0) == 0 ? d_spare_.data() : tape(0).stream;
  parts_.run([&](ImageRange range, int, int thread) {
    Memory& m = memories_[thread];
    for (int b = range.first; b < range.last; ++b) {
      const Sequences::Sequence& s = sequences.images[b];
      cut_patches(b, m.patches.data());
      ops_.linear({patches, pixels, dim, pixels}, m.patches.data(), weights + table_.embedding.weight,
                  weights + table_.embedding.bias, false, m.patch_rows.data());
      for (int row = 0; row < s.length; ++row) {
        const int patch = row - (row > s.class_row ? 1 : 0);
        const float* token = row == s.class_row ? weights + table_.embedding.class_token
                                                : m.patch_rows.data() + offset(patch, dim);
        const float* position = weights + table_.embedding.position + offset(row, dim);
        float* to = stream + offset(s.begin + row, dim);
        for (int d = 0; d < dim; ++d) to[d] = token[d] + position[d];
      }
    }
  });
}

void Backbone::run_blocks(int segment, const StepNoise* noise) {
  const Sequences& sequences = segments_[segment];
  const int first = first_layer(segment), last = last_layer(segment);
  if (learns_ && last == c_.depth) fit(final_, offset(sequences.rows, c_.embed_dim));
  parts_.run([&](ImageRange range, int, int thread) {
    BlockMemory& memory = memories_[thread].block;
    BatchParts::for_groups(range, sequences, [&](ImageRange images) {
      for (int layer = first; layer < last; ++layer) {
        BlockNoise draws;
        if (noise != nullptr && c_.block_selection)
          draws = {noise->first[layer].data(), noise->second[layer].data()};
        float* out = layer + 1 < last && learns_ ? tapes_[layer + 1].stream.data() : final_.data();
        if (learns_ && last != c_.depth && layer + 1 == last) out = d_spare_.data();
        blocks_[layer].forward(prepared_.data() + table_.blocks[layer].begin, sequences, images, tape(layer),
                               draws, out, memory);
      }
    });
  });
}

void Backbone::prune(int stage, const float* weights, const StepNoise& noise) {
  const int dim = c_.embed_dim, patches = c_.patches();
  const Sequences& sequences = segments_[stage];
  const Stage* previous = stage > 0 ? &stages_[stage - 1] : nullptr;
  Stage& s = stages_[stage];
  const std::size_t all = offset(images_, patches);
  fit(s.rows, all * dim);
  fit(s.decisions, all);
  fit(s.probabilities, all);
  fit(s.order, all);
  fit(s.positions, all);
  fit(s.before, images_);
  fit(s.after, images_);
  const float* stream = d_spare_.data();
  parts_.run([&](ImageRange range, int, int thread) {
    PredictorMemory& memory = memories_[thread].predictor;
    for (int b = range.first; b < range.last; ++b) {
      const Sequences::Sequence& sequence = sequences.images[b];
      const std::size_t first = offset(b, patches);
      float* rows = s.rows.data() + first * dim;
      for (int i = 0; i < patches; ++i)
        std::copy_n(i < sequence.kept() ? stream + offset(sequence.row_of_patch(i), dim)
                                        : previous->rows.data() + (first + previous->order[first + i]) * dim,
                    dim, rows + offset(i, dim));
      s.before[b] = sequence.kept();
      std::uint8_t* decisions = s.decisions.data() + first;
      predictors_[stage].decide(weights + table_.predictors[stage].begin, rows, sequence.kept(),
                                noise.tokens[stage].data() + 2 * first,
                                {decisions, s.probabilities.data() + first}, memory);
      int next = 0;
      for (std::uint8_t kept : {1, 0}) {
        for (int i = 0; i < patches; ++i)
          if ((i < sequence.kept() ? decisions[i] : 0) == kept) s.order[first + next++] = i;
        if (kept == 1) s.after[b] = next;
      }
      for (int i = 0; i < patches; ++i)
        s.positions[first + i] =
            previous != nullptr ? previous->positions[first + s.order[first + i]] : s.order[first + i];
    }
  });

  Sequences& behind = segments_[stage + 1];
  behind = {};
  for (int b = 0; b < images_; ++b)
    behind.add(patches, s.after[b], class_row(s.after[b]), c_.conv_width, whole_);
  reserve(stage + 1);
  float* moved = tapes_[c_.pruning_layers[stage]].stream.data();
  parts_.run([&](ImageRange range, int, int) {
    for (int b = range.first; b < range.last; ++b) {
      const Sequences::Sequence &from = sequences.images[b], &to = behind.images[b];
      const std::size_t first = offset(b, patches);
      if (from.class_tokens() > 0)
        std::copy_n(stream + offset(from.begin + from.class_row, dim), dim,
                    moved + offset(to.begin + to.class_row, dim));
      for (int i = 0; i < to.patches(); ++i)
        std::copy_n(s.rows.data() + (first + s.order[first + i]) * dim, dim,
                    moved + offset(to.row_of_patch(i), dim));
    }
  });
}

void Backbone::forward(const std::vector<float>& weights, const float* input, int count,
                       const StepNoise* noise) {
  images_ = count;
  parts_.lay_out(count, largest_);
  ops_.run(c_.depth, [&](int layer, int) {
    const std::size_t begin = table_.blocks[layer].begin;
    blocks_[layer].prepare(weights.data() + begin, prepared_.data() + begin);
  });
  if (learns_ && !stages_.empty()) fit(d_spare_, offset(images_, (c_.patches() + 1) * c_.embed_dim));
  embed(weights.data(), input);
  for (int segment = 0; segment < static_cast<int>(segments_.size()); ++segment) {
    if (segment > 0) prune(segment - 1, weights.data(), *noise);
    run_blocks(segment, noise);
  }
}

std::size_t Backbone::kept_bytes() const {
  std::size_t rows = 0;
  for (int segment = 0; segment < static_cast<int>(segments_.size()); ++segment)
    rows += static_cast<std::size_t>(segments_[segment].rows) * (last_layer(segment) - first_layer(segment));
  return offset(rows, c_.embed_dim + 2 * c_.inner_dim() + 2 * (c_.dt_rank + 2 * c_.state_dim)) *
         sizeof(float);
}

std::size_t Backbone::bytes() const {
  std::size_t total = 0;
  const auto add = [&](const auto&... values) { total += (bytes_of(values) + ...); };
  for (const Tape& tape : tapes_)
    add(tape.stream, tape.xz, tape.projected[0], tape.projected[1], tape.states[0], tape.states[1],
        tape.added, tape.d_added, tape.gate_logits, tape.gates);
  for (const Stage& s : stages_) add(s.rows, s.decisions, s.probabilities, s.order, s.positions);
  for (const Memory& m : memories_) {
    add(m.patches, m.patch_rows);
    total += m.block.bytes() + m.predictor.bytes();
  }
  add(prepared_, final_, d_stream_, d_spare_, d_mask_, d_policy_, d_absent_);
  return total + parts_.bytes();
}

}  // namespace winnow::train
