#include "model/dense_backbone.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <numeric>

#include "model/interpolate_map.h"
#include "ops/keep_best.h"

namespace winnow {
namespace {

constexpr double kRotaryBase = 10000.0;
constexpr double kRotarySide = 14.0;  // positions along a side, whatever the grid

}  // namespace

Result<std::unique_ptr<DenseBackbone>> DenseBackbone::load(const DyvmConfig& config, TensorReader& read,
                                                           const std::string& prefix, Backend& backend) {
  std::unique_ptr<DenseBackbone> backbone(new DenseBackbone(config, backend));
  if (const Status loaded = backbone->read(read, prefix); !loaded) return loaded.error();
  return backbone;
}

Status DenseBackbone::read(TensorReader& read, const std::string& prefix) {
  const DyvmConfig& c = config_;
  const int dim = c.embed_dim, grid = c.grid();
  const int trained = (c.trained_size - c.patch_size) / c.stride + 1;
  VimLayers layers(c, read, prefix, backend_);
  PatchEmbeddingWeights embedding = layers.patch_weights();
  embedding.position = layers.tensor("pos_embed", {1, trained * trained, dim});
  if (!read.status) return read.status;
  std::vector<float> interpolated;
  if (grid != trained) {
    interpolated = interpolate_map(embedding.position, trained, grid, dim);
    embedding.position = interpolated.data();
  }
  layers.patch_embedding(embedding_, embedding);
  layers.blocks(blocks_);
  layers.predictors(predictors_);
  if (!read.status) return read.status;

  const int pairs = dim / 4;
  std::vector<float> cosines, sines;
  for (int r = 0; r < grid && c.rotary; ++r)
    for (int q = 0; q < pairs; ++q) {
      const double angle = r * kRotarySide / grid * std::pow(kRotaryBase, -2.0 * q / (dim / 2.0));
      cosines.push_back(static_cast<float>(std::cos(angle)));
      sines.push_back(static_cast<float>(std::sin(angle)));
    }
  if (c.rotary) {
    layers.constant(cosines_, cosines.data(), grid * pairs);
    layers.constant(sines_, sines.data(), grid * pairs);
  }
  return layers.place_vectors(constants_);
}

Status DenseBackbone::plan(int images) {
  const DyvmConfig& c = config_;
  const int patches = c.patches(), dim = c.embed_dim, stages = static_cast<int>(c.pruning_layers.size());
  return workspace_.lay_out([&] {
    Buffers& b = buffers_;
    const auto take = [&](std::initializer_list<int> shape) { return workspace_.take<float>(shape); };
    b.images = take({images, 3, c.image_size, c.image_size});
    b.stream = take({images, patches, dim});
    b.taps.resize(c.taps().size());
    for (Tensor& tap : b.taps) tap = take({images, patches, dim});
    if (!c.taps().empty()) b.hidden = take({images, patches, dim});
    if (stages > 0) {
      if (c.taps().empty()) b.frozen = take({images, patches, dim});
      b.gathered = take({images, patches, dim});
      b.predictor.take(workspace_, images, patches, dim);
    }
    b.scores.resize(stages);
    b.kept.resize(stages);
    for (Tensor& scores : b.scores) scores = take({images, patches});
    for (auto& kept : b.kept) kept = workspace_.take<std::int32_t>({images, patches});
    b.rows = workspace_.take<std::int32_t>({images, patches});
    b.indices = workspace_.take<std::int32_t>({images, patches});
    b.directions = workspace_.take<std::uint8_t>({c.depth, images});
    b.gate_logits = take({c.depth, images, 2});
  });
}

Status DenseBackbone::forward(const float* input, int images, const DynamicOptions& options,
                              Outputs& outputs) {
  if (images < 1) return Error{ErrorCode::bad_argument, "Expected at least one image, but there is none."};
  const auto kept = check_options(config_, options);
  if (!kept) return kept.error();
  if (const Status planned = plan(images); !planned) return planned;
  const auto start = std::chrono::steady_clock::now();
  backend_.write(buffers_.images.data(), input, buffers_.images.size() * sizeof(float));
  if (const Status done = run(images, *kept, options); !done) return done;
  if (const Status done = backend_.wait(); !done) return done;
  const Progress progress{images,
                          config_.depth,
                          config_.patches(),
                          *kept,
                          buffers_.scores,
                          buffers_.kept,
                          buffers_.directions,
                          config_.block_selection ? buffers_.gate_logits : Tensor()};
  reporter_.report(backend_, progress, options.trace, outputs);
  outputs.milliseconds =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  return ok();
}

bool DenseBackbone::is_tap(int layer) const {
  const auto taps = config_.taps();
  return std::find(taps.begin(), taps.end(), layer) != taps.end();
}

bool DenseBackbone::needs_hidden(int layer) const {
  if (config_.taps().empty()) return false;
  const auto& pruning = config_.pruning_layers;
  return is_tap(layer) || (layer < config_.taps().back() &&
                           std::find(pruning.begin(), pruning.end(), layer + 1) != pruning.end());
}

void DenseBackbone::rotate(Tensor tokens) {
  if (!config_.rotary) return;
  const int grid = config_.grid(), pairs = config_.embed_dim / 4;
  backend_.rotate_tokens(tokens, indices(tokens.extent(0), tokens.extent(1)), grid, {cosines_, {grid, pairs}},
                         {sines_, {grid, pairs}});
}

Status DenseBackbone::choose(Tensor scores, int count, const std::vector<std::int32_t>* replay,
                             TensorView<std::int32_t> kept) {
  const int images = scores.extent(0), patches = scores.extent(1), all = config_.patches();
  scores_.resize(scores.size());
  backend_.read(scores_.data(), scores.data(), scores.size() * sizeof(float));
  if (const Status done = backend_.wait(); !done) return done;
  dense_scores_.resize(all);
  order_.resize(all);
  rows_.resize(static_cast<std::size_t>(images) * count);
  for (int b = 0; b < images; ++b) {
    const std::int32_t* indices = indices_.data() + static_cast<std::size_t>(b) * patches;
    std::fill(dense_scores_.begin(), dense_scores_.end(), -INFINITY);
    for (int i = 0; i < patches; ++i) dense_scores_[indices[i]] = scores_[b * patches + i];
    keep_best(dense_scores_.data(), all, count, order_.data());
    for (int i = 0, row = 0; i < count; ++i) {
      while (indices[row] != order_[i]) ++row;
      rows_[b * count + i] = row;
    }
  }
  const std::size_t bytes = rows_.size() * sizeof(std::int32_t);
  backend_.write(kept.data(), rows_.data(), bytes);
  if (replay != nullptr) rows_ = *replay;
  backend_.write(buffers_.rows.data(), rows_.data(), bytes);
  for (int b = 0; b < images; ++b)
    for (int i = 0; i < count; ++i)
      indices_[b * count + i] = indices_[b * patches + rows_[b * count + i]];  // never one still to be read
  backend_.write(buffers_.indices.data(), indices_.data(), bytes);
  return ok();
}

Status DenseBackbone::run(int images, const std::vector<int>& kept, const DynamicOptions& options) {
  const int all = config_.patches(), grid = config_.grid(), dim = config_.embed_dim;
  int patches = all;
  indices_.resize(static_cast<std::size_t>(images) * all);
  for (int b = 0; b < images; ++b)
    std::iota(indices_.begin() + static_cast<std::ptrdiff_t>(b) * all,
              indices_.begin() + static_cast<std::ptrdiff_t>(b + 1) * all, 0);
  backend_.write(buffers_.indices.data(), indices_.data(), indices_.size() * sizeof(std::int32_t));
  Tensor stream = buffers_.stream, spare = buffers_.gathered;
  backend_.embed_patches(buffers_.images, *embedding_, stream);

  // Sets what a map has at the patches that there are.
  const auto place = [&](Tensor tokens, Tensor map) {
    backend_.scatter_tokens(tokens, indices(images, patches), map);
  };
  const bool dynamic = config_.block_selection || !config_.pruning_layers.empty();
  Tensor hidden = stream;  // what the last block added; before any block, all there is
  std::size_t stage = 0, tap = 0;
  for (int layer = 0; layer <= config_.depth; ++layer) {
    if (options.cancelled()) return Error{ErrorCode::cancelled, "The prediction was cancelled."};
    const bool last = layer == config_.depth;
    if (!last) rotate(stream);
    // DyVM takes its taps after the rotation for the next block, plain Vim before it.
    if (!last && layer > 0 && dynamic && needs_hidden(layer - 1)) rotate(hidden);
    if (is_tap(layer - 1)) place(hidden, buffers_.taps[tap++]);
    if (last) break;
    if (stage < kept.size() && config_.pruning_layers[stage] == layer) {
      const bool prunes = kept[stage] < patches;
      const Tensor scores = view(buffers_.scores[stage], images, patches);
      if (prunes || options.trace)
        score_patches(backend_, predictors_[stage], buffers_.predictor, stream, SpecialTokens::none(),
                      scores);
      if (prunes) {
        for (std::size_t later = tap; later < buffers_.taps.size(); ++later)
          place(hidden, buffers_.taps[later]);
        if (config_.taps().empty()) place(stream, buffers_.frozen);
        const auto* replay = options.replay == nullptr ? nullptr : &(*options.replay)[stage];
        if (const Status chosen =
                choose(scores, kept[stage], replay, view(buffers_.kept[stage], images, kept[stage]));
            !chosen)
          return chosen;
        const Tensor gathered = view(spare, images, kept[stage]);
        backend_.gather_tokens(stream, SpecialTokens::none(), {buffers_.rows.data(), {images, kept[stage]}},
                               SpecialTokens::none(), gathered);
        spare = stream;
        stream = gathered;
        patches = kept[stage];
      }
      ++stage;
    }
    if (needs_hidden(layer)) hidden = view(buffers_.hidden, images, patches);
    const Tensor logits = options.trace ? Tensor(buffers_.gate_logits.at(layer), {images, 2}) : Tensor();
    backend_.run_block(*blocks_[layer], SpecialTokens::none(), options.block_threshold, stream,
                       {buffers_.directions.at(layer), {images}}, logits,
                       needs_hidden(layer) ? hidden : Tensor());
  }

  const auto as_map = [&](Tensor tokens) { return Tensor(tokens.data(), {images, grid, grid, dim}); };
  taps_.clear();
  for (const Tensor& map : buffers_.taps) taps_.push_back(as_map(map));
  if (!config_.taps().empty()) return ok();
  if (patches < all) place(stream, buffers_.frozen);
  final_stream_ = as_map(patches < all ? buffers_.frozen : stream);
  return ok();
}

}  // namespace winnow
