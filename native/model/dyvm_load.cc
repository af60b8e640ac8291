// Checkpoint tensors, by the names of the original's state dict, into a backend's own form.
#include <algorithm>

#include "model/dyvm.h"

namespace winnow {
namespace {

// The special tokens with their positions [n, D], and the positions of the patches [M, D].
struct Positions {
  std::vector<float> special, patches;
};

// A class token's position is a row of pos_embed, in the order of the sequence; registers have a table of
// their own.
Positions read_positions(VimLayers& layers, const DyvmConfig& c) {
  const int patches = c.patches(), dim = c.embed_dim;
  const SpecialTokens tokens = c.special_tokens(patches);
  const bool apart = c.registers > 0;
  const float* special = layers.tensor("cls_token", {1, tokens.count, dim});
  const float* position = layers.tensor("pos_embed", {1, apart ? patches : patches + 1, dim});
  const float* special_position = apart ? layers.tensor("pos_embed_cls", {1, tokens.count, dim}) : nullptr;
  if (!layers.good()) return {};
  Positions out{std::vector<float>(special, special + static_cast<std::size_t>(tokens.count) * dim),
                std::vector<float>(static_cast<std::size_t>(patches) * dim)};
  for (int i = 0; i < tokens.count; ++i) {
    const float* row =
        apart ? special_position + i * dim : position + static_cast<std::size_t>(tokens.row(i)) * dim;
    for (int d = 0; d < dim; ++d) out.special[static_cast<std::size_t>(i) * dim + d] += row[d];
  }
  for (int p = 0; p < patches; ++p)
    std::copy_n(position + static_cast<std::size_t>(apart ? p : tokens.row_of_patch(p)) * dim, dim,
                out.patches.begin() + static_cast<std::ptrdiff_t>(p) * dim);
  return out;
}

}  // namespace

Result<std::unique_ptr<DyvmModel>> DyvmModel::create(const DyvmConfig& config, Weights& weights,
                                                     Backend& backend) {
  std::unique_ptr<DyvmModel> model(new DyvmModel(config, backend));
  if (const Status loaded = model->load(weights); !loaded) return loaded.error();
  return model;
}

Status DyvmModel::load(Weights& weights) {
  const DyvmConfig& c = config_;
  TensorReader read(weights);
  VimLayers layers(c, read, "", backend_);
  PatchEmbeddingWeights embedding = layers.patch_weights();
  const Positions positions = read_positions(layers, c);
  embedding.special = positions.special.data();
  embedding.position = positions.patches.data();
  layers.patch_embedding(embedding_, embedding);
  layers.blocks(blocks_);
  layers.vector(final_norm_, "norm_f.weight", c.embed_dim);
  layers.predictors(predictors_);
  if (c.registers > 0) {
    layers.linear(neck_, "neck", c.register_dim(), c.embed_dim, /*biased=*/false);
    layers.vector(neck_norm_, "norm_neck.weight", c.head_inputs());
  }
  layers.linear(head_, "head", c.classes, c.head_inputs());
  if (!read.status) return read.status;
  if (const Status complete = read.check_all_asked(); !complete) return complete;
  return layers.place_vectors(constants_);
}

}  // namespace winnow
