#include "train/network/network.h"

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

Network::Network(const DyvmConfig& config, Operations& operations, bool learns)
    : c_(config), ops_(operations), learns_(learns), table_(config) {
  for (const BlockOffsets& offsets : table_.blocks) blocks_.emplace_back(c_, offsets, ops_);
  for (const PredictorOffsets& offsets : table_.predictors) predictors_.emplace_back(c_, offsets, ops_);
  segments_.resize(c_.pruning_layers.size() + 1);
  stages_.resize(c_.pruning_layers.size());
  tapes_.resize(c_.depth);
  memories_.resize(ops_.threads());
  for (Memory& m : memories_) {  // any thread may take any task
    m.block.reserve(c_, ops_, std::max(kGroupRows, c_.patches() + 1), c_.patches() + 1);
    if (!c_.pruning_layers.empty()) m.predictor.reserve(c_);
    m.patches.resize(offset(c_.patches(), 3 * c_.patch_size * c_.patch_size));
    m.patch_rows.resize(offset(c_.patches(), c_.embed_dim));
  }
  prepared_.resize(table_.size());
  partial_size_ = std::max(table_.embedding.size, table_.head.size);
  for (const BlockOffsets& offsets : table_.blocks) partial_size_ = std::max(partial_size_, offsets.size);
  for (const PredictorOffsets& offsets : table_.predictors)
    partial_size_ = std::max(partial_size_, offsets.size);
}

int Network::last_layer(int segment) const {
  return segment < static_cast<int>(c_.pruning_layers.size()) ? c_.pruning_layers[segment] : c_.depth;
}

int Network::parts() const { return std::min(kParts, images_); }

ImageRange Network::part(int index) const {
  const auto begin = [&](int i) {
    return static_cast<int>(static_cast<std::int64_t>(images_) * i / parts());
  };
  return {begin(index), begin(index + 1)};
}

// Without learning, all blocks share the first one's tape, and the stream goes through in place.
BlockTape Network::tape(int layer) {
  Tape& own = tapes_[layer];
  Tape& kept = learns_ ? own : tapes_[0];
  return {learns_ ? kept.stream.data() : final_.data(),
          kept.xz.data(),
          {kept.projected[0].data(), kept.projected[1].data()},
          {learns_ ? own.states[0].data() : nullptr, learns_ ? own.states[1].data() : nullptr},
          own.gate_logits.data(),
          own.gates.data()};
}

void Network::reserve(int segment) {
  const std::size_t rows = segments_[segment].rows;
  for (int layer = first_layer(segment); layer < last_layer(segment); ++layer) {
    Tape& own = tapes_[layer];
    fit(own.gate_logits, 2ull * images_);
    fit(own.gates, 2ull * images_);
    if (!learns_ && layer > 0) continue;
    if (learns_) fit(own.stream, offset(rows, c_.embed_dim));
    fit(own.xz, offset(rows, 2 * c_.inner_dim()));
    for (auto& projected : own.projected) fit(projected, offset(rows, c_.dt_rank + 2 * c_.state_dim));
    const std::size_t kept =
        rows / kScanTile * ScanShape{0, c_.inner_dim(), c_.state_dim, 0, false}.state_floats();
    for (auto& states : own.states) fit(states, learns_ ? kept : 0);
  }
}

void Network::cut_patches(int image, float* patches) const {
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

void Network::embed(const float* weights, const float* input) {
  input_ = input;
  const int dim = c_.embed_dim, patches = c_.patches(), pixels = 3 * c_.patch_size * c_.patch_size;
  Sequences& sequences = segments_[0];
  sequences = {};
  for (int b = 0; b < images_; ++b)
    sequences.add(patches, patches, class_row(patches), c_.conv_width, whole_);
  reserve(0);
  if (!learns_) fit(final_, offset(sequences.rows, dim));
  float* stream = last_layer(0) == 0 ? d_spare_.data() : tape(0).stream;
  ops_.run(parts(), [&](int index, int thread) {
    Memory& m = memories_[thread];
    const ImageRange range = part(index);
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

void Network::run_blocks(int segment, const StepNoise* noise) {
  const Sequences& sequences = segments_[segment];
  const int first = first_layer(segment), last = last_layer(segment);
  if (learns_ && last == c_.depth) fit(final_, offset(sequences.rows, c_.embed_dim));
  ops_.run(parts(), [&](int index, int thread) {
    BlockMemory& memory = memories_[thread].block;
    for_groups(index, sequences, [&](ImageRange images) {
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

void Network::prune(int stage, const float* weights, const StepNoise& noise) {
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
  ops_.run(parts(), [&](int index, int thread) {
    PredictorMemory& memory = memories_[thread].predictor;
    const ImageRange range = part(index);
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
  ops_.run(parts(), [&](int index, int) {
    const ImageRange range = part(index);
    for (int b = range.first; b < range.last; ++b) {
      const Sequences::Sequence &from = sequences.images[b], &to = behind.images[b];
      const std::size_t first = offset(b, patches);
      std::copy_n(stream + offset(from.begin + from.class_row, dim), dim,
                  moved + offset(to.begin + to.class_row, dim));
      for (int i = 0; i < to.patches(); ++i)
        std::copy_n(s.rows.data() + (first + s.order[first + i]) * dim, dim,
                    moved + offset(to.row_of_patch(i), dim));
    }
  });
}

void Network::classify(const float* weights) {
  const Sequences& sequences = segments_.back();
  const int dim = c_.embed_dim;
  const float* w = weights + table_.head.begin;
  fit(tokens_, offset(sequences.rows, dim));
  fit(logits_, offset(images_, c_.classes));
  ops_.run(parts(), [&](int index, int) {
    for_groups(index, sequences, [&](ImageRange range) {
      for (int b = range.first; b < range.last; ++b) {
        const Sequences::Sequence& s = sequences.images[b];
        ops_.rms_norm(s.length, dim, final_.data() + offset(s.begin, dim), w + table_.head.norm,
                      tokens_.data() + offset(s.begin, dim));
        ops_.linear({1, dim, c_.classes, dim}, tokens_.data() + offset(s.begin + s.class_row, dim),
                    w + table_.head.weight, w + table_.head.bias, false,
                    logits_.data() + offset(b, c_.classes));
      }
    });
  });
}

void Network::forward(const std::vector<float>& weights, const float* input, int count,
                      const StepNoise* noise) {
  images_ = count;
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
  classify(weights.data());
}

std::size_t Network::kept_bytes() const {
  std::size_t rows = 0;
  for (int segment = 0; segment < static_cast<int>(segments_.size()); ++segment)
    rows += static_cast<std::size_t>(segments_[segment].rows) * (last_layer(segment) - first_layer(segment));
  return offset(rows, c_.embed_dim + 2 * c_.inner_dim() + 2 * (c_.dt_rank + 2 * c_.state_dim)) *
         sizeof(float);
}

std::size_t Network::bytes() const {
  std::size_t total = 0;
  const auto add = [&](const auto&... values) { total += (bytes_of(values) + ...); };
  for (const Tape& tape : tapes_)
    add(tape.stream, tape.xz, tape.projected[0], tape.projected[1], tape.states[0], tape.states[1],
        tape.gate_logits, tape.gates);
  for (const Stage& s : stages_) add(s.rows, s.decisions, s.probabilities, s.order, s.positions);
  for (const Memory& m : memories_) {
    add(m.patches, m.patch_rows);
    total += m.block.bytes() + m.predictor.bytes();
  }
  add(prepared_, final_, tokens_, logits_, partials_, d_stream_, d_spare_, d_mask_, d_policy_);
  return total;
}

}  // namespace winnow::train
