#include "model/vim_layers.h"

#include <algorithm>
#include <numeric>

namespace winnow {
namespace {

// block_head.weight in_proj [2, D]: the gate's logits block_head(in_proj(n)) are linear in the token n.
std::vector<float> fold_gate(const float* head, const float* in_proj, int inner, int dim) {
  std::vector<float> gate(2ull * dim);
  std::vector<double> sums(dim);
  for (int direction = 0; direction < 2; ++direction) {
    std::fill(sums.begin(), sums.end(), 0.0);
    for (int e = 0; e < 2 * inner; ++e) {
      const double weight = head[direction * 2 * inner + e];
      for (int d = 0; d < dim; ++d) sums[d] += weight * in_proj[static_cast<std::size_t>(e) * dim + d];
    }
    std::copy(sums.begin(), sums.end(), gate.begin() + direction * dim);
  }
  return gate;
}

}  // namespace

void PredictorBuffers::take(Workspace& workspace, int images, int patches, int dim) {
  normed = workspace.take<float>({images, patches, dim});
  features = workspace.take<float>({images, patches, dim});
  half = workspace.take<float>({images, patches, dim / 2});
  quarter = workspace.take<float>({images, patches, dim / 4});
  pairs = workspace.take<float>({images, patches, 2});
}

void score_patches(Backend& backend, const ScorePredictor& predictor, const PredictorBuffers& buffers,
                   Tensor stream, const SpecialTokens& special, Tensor scores) {
  const int images = stream.extent(0), patches = stream.extent(1) - special.count;
  const Tensor normed = view(buffers.normed, images, patches);
  const Tensor features = view(buffers.features, images, patches);
  const Tensor half = view(buffers.half, images, patches);
  const Tensor quarter = view(buffers.quarter, images, patches);
  const Tensor pairs = view(buffers.pairs, images, patches);
  backend.norm_patches(stream, special, predictor.norm_weight, predictor.norm_bias, kVimEpsilon, normed);
  backend.linear(normed, *predictor.in, Activation::gelu, features);
  backend.pool_second_half(features);
  backend.linear(features, *predictor.out0, Activation::gelu, half);
  backend.linear(half, *predictor.out2, Activation::gelu, quarter);
  backend.linear(quarter, *predictor.out4, Activation::none, pairs);
  backend.keep_scores(pairs, scores);
}

PatchEmbeddingWeights VimLayers::patch_weights() {
  const DyvmConfig& c = config_;
  return {.image_size = c.image_size,
          .patch_size = c.patch_size,
          .stride = c.stride,
          .embed_dim = c.embed_dim,
          .special_tokens = c.special_tokens(c.patches()),
          .weight = tensor("patch_embed.proj.weight", {c.embed_dim, 3, c.patch_size, c.patch_size}),
          .bias = tensor("patch_embed.proj.bias", {c.embed_dim}),
          .special = nullptr,
          .position = nullptr};
}

void VimLayers::patch_embedding(std::unique_ptr<PatchEmbedding>& place,
                                const PatchEmbeddingWeights& weights) {
  if (good()) keep(place, backend_.make_patch_embedding(weights));
}

BlockWeights block_weights(const DyvmConfig& c, const BlockTensors<const float*>& tensors) {
  return {.embed_dim = c.embed_dim,
          .inner_dim = c.inner_dim(),
          .state_dim = c.state_dim,
          .dt_rank = c.dt_rank,
          .conv_width = c.conv_width,
          .norm = tensors.norm,
          .in_proj = tensors.in_proj,
          .out_proj = tensors.out_proj,
          .gate = nullptr,
          .gate_bias = tensors.head_bias,
          .forward = tensors.directions[0],
          .backward = tensors.directions[1],
          .norm_epsilon = kVimEpsilon,
          .output_scale = c.halve_directions ? 0.5f : 1.0f};
}

// The block's tensors; `gate` keeps the folded gate alive.
BlockWeights VimLayers::block(int layer, std::vector<float>& gate) {
  const DyvmConfig& c = config_;
  const auto tensors = block_tensors<const float*>(c, layer, reader());
  BlockWeights w = block_weights(c, tensors);
  if (c.block_selection) {
    if (good()) gate = fold_gate(tensors.head_weight, w.in_proj, w.inner_dim, w.embed_dim);
    w.gate = gate.data();
  }
  return w;
}

void VimLayers::blocks(std::vector<std::unique_ptr<Block>>& out) {
  for (int layer = 0; layer < config_.depth && good(); ++layer) {
    std::vector<float> gate;
    const BlockWeights weights = block(layer, gate);
    if (good()) keep(out.emplace_back(), backend_.make_block(weights));
  }
}

void VimLayers::predictors(std::vector<ScorePredictor>& out) {
  const int dim = config_.embed_dim;
  out.resize(config_.pruning_layers.size());
  for (std::size_t stage = 0; stage < out.size(); ++stage) {
    const auto tensors = predictor_tensors<const float*>(config_, static_cast<int>(stage), reader());
    ScorePredictor& predictor = out[stage];
    constant(predictor.norm_weight, tensors.norm_weight, dim);
    constant(predictor.norm_bias, tensors.norm_bias, dim);
    const auto make = [&](std::unique_ptr<Linear>& place, const auto& layer) {
      if (good()) keep(place, backend_.make_linear(layer.weight, layer.bias, layer.outputs, layer.inputs));
    };
    make(predictor.in, tensors.in);
    make(predictor.out0, tensors.out0);
    make(predictor.out2, tensors.out2);
    make(predictor.out4, tensors.out4);
  }
}

void VimLayers::linear(std::unique_ptr<Linear>& place, const std::string& name, int outputs, int inputs,
                       bool biased) {
  const float* weight = tensor(name + ".weight", {outputs, inputs});
  const float* bias = biased ? tensor(name + ".bias", {outputs}) : nullptr;
  if (good()) keep(place, backend_.make_linear(weight, bias, outputs, inputs));
}

void VimLayers::vector(float*& place, const std::string& name, int length) {
  constant(place, tensor(name, {length}), length);
}

Status VimLayers::place_vectors(Workspace& constants) {
  if (!good()) return read_.status;
  const Status placed = constants.lay_out([&] {
    for (const auto& [place, values, length] : vectors_) *place = constants.take<float>({length}).data();
  });
  if (!placed) return placed;
  for (const auto& [place, values, length] : vectors_) backend_.write(*place, values, length * sizeof(float));
  return ok();
}

void Reporter::report(Backend& backend, const Progress& progress, bool trace, Outputs& outputs) {
  const auto& [images, depth, all, kept, scores, chosen, directions, gate_logits] = progress;
  const auto read = [&](auto& target, const auto& source, std::size_t count) {
    target.resize(count);
    if (count > 0) backend.read(target.data(), source.data(), count * sizeof(*target.data()));
  };
  outputs.images = images;
  read(ran_, directions, directions.size());
  outputs.directions.resize(ran_.size());
  for (int b = 0; b < images; ++b)
    for (int layer = 0; layer < depth; ++layer)
      outputs.directions[b * depth + layer] = ran_[layer * images + b];

  outputs.kept.resize(kept.size());
  outputs.scores.resize(trace ? kept.size() : 0);
  int patches = all;
  for (std::size_t stage = 0; stage < kept.size(); ++stage) {
    if (trace) read(outputs.scores[stage], scores[stage], static_cast<std::size_t>(images) * patches);
    if (kept[stage] < patches) {
      read(outputs.kept[stage], chosen[stage], static_cast<std::size_t>(images) * kept[stage]);
    } else {
      outputs.kept[stage].resize(static_cast<std::size_t>(images) * patches);
      for (int b = 0; b < images; ++b)
        std::iota(outputs.kept[stage].begin() + b * patches, outputs.kept[stage].begin() + (b + 1) * patches,
                  0);
    }
    patches = kept[stage];
  }
  if (trace) read(outputs.gate_logits, gate_logits, gate_logits.data() == nullptr ? 0 : gate_logits.size());

  outputs.survived.assign(static_cast<std::size_t>(images) * all, 0);
  for (int b = 0; b < images; ++b) {
    positions_.resize(all);
    std::iota(positions_.begin(), positions_.end(), 0);
    for (std::size_t stage = 0; stage < kept.size(); ++stage) {
      const std::int32_t* indices = outputs.kept[stage].data() + b * kept[stage];
      for (int i = 0; i < kept[stage]; ++i) {
        positions_[i] = positions_[indices[i]];  // ascending: never overwrites what is still to be read
        ++outputs.survived[static_cast<std::size_t>(b) * all + positions_[i]];
      }
    }
  }
}

Result<std::vector<int>> check_options(const DyvmConfig& config, const DynamicOptions& options) {
  if (!(options.block_threshold >= 0.0f && options.block_threshold <= 1.0f))
    return Error{ErrorCode::bad_argument, "Expected a block threshold from 0 to 1, but it is " +
                                              std::to_string(options.block_threshold) + "."};
  return kept_patches(config, options.token_keep);
}

}  // namespace winnow
