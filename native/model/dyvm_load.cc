// Checkpoint tensors, by the names of the original's state dict, into a backend's own form.
#include <algorithm>
#include <set>
#include <utility>

#include "model/dyvm.h"

namespace winnow {
namespace {

constexpr float kEpsilon = 1e-5f;

// Reads tensors, keeps the first failure and remembers every name that was asked for.
class Reader {
 public:
  explicit Reader(Weights& weights) : weights_(weights) {}

  const float* operator()(const std::string& name, const Weights::Shape& shape) {
    asked_.insert(name);
    if (!status) return nullptr;
    const auto values = weights_.tensor(name, shape);
    if (!values) status = values.error();
    return values ? *values : nullptr;
  }

  // Fails for a tensor that the model does not have.
  Status check_all_asked() const {
    for (const std::string& name : weights_.names())
      if (!asked_.contains(name))
        return Error{ErrorCode::bad_model,
                     "Tensor " + name + ": expected none of this name in a model of this manifest."};
    return ok();
  }

  Status status = ok();

 private:
  Weights& weights_;
  std::set<std::string> asked_;
};

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

ScanWeights read_scan(Reader& read, const DyvmConfig& c, const std::string& mixer, bool backward) {
  const std::string suffix = backward ? "_b" : "";
  const int inner = c.inner_dim();
  return {
      .conv_weight = read(mixer + "conv1d" + suffix + ".weight", {inner, 1, c.conv_width}),
      .conv_bias = read(mixer + "conv1d" + suffix + ".bias", {inner}),
      .x_proj = read(mixer + "x_proj" + suffix + ".weight", {c.dt_rank + 2 * c.state_dim, inner}),
      .dt_weight = read(mixer + "dt_proj" + suffix + ".weight", {inner, c.dt_rank}),
      .dt_bias = read(mixer + "dt_proj" + suffix + ".bias", {inner}),
      .a_log = read(mixer + (backward ? "A_b_log" : "A_log"), {inner, c.state_dim}),
      .d = read(mixer + "D" + suffix, {inner}),
  };
}

// The block's tensors; `gate` keeps the folded gate alive.
BlockWeights read_block(Reader& read, const DyvmConfig& c, int layer, std::vector<float>& gate) {
  const std::string prefix = "layers." + std::to_string(layer) + ".", mixer = prefix + "mixer.";
  const int inner = c.inner_dim(), dim = c.embed_dim;
  BlockWeights w{.embed_dim = dim,
                 .inner_dim = inner,
                 .state_dim = c.state_dim,
                 .dt_rank = c.dt_rank,
                 .conv_width = c.conv_width,
                 .norm = read(prefix + "norm.weight", {dim}),
                 .in_proj = read(mixer + "in_proj.weight", {2 * inner, dim}),
                 .out_proj = read(mixer + "out_proj.weight", {dim, inner}),
                 .gate = nullptr,
                 .gate_bias = nullptr,
                 .forward = read_scan(read, c, mixer, false),
                 .backward = read_scan(read, c, mixer, true),
                 .norm_epsilon = kEpsilon,
                 .output_scale = c.halve_directions ? 0.5f : 1.0f};
  if (c.block_selection) {
    const float* head = read(mixer + "block_head.weight", {2, 2 * inner});
    w.gate_bias = read(mixer + "block_head.bias", {2});
    if (read.status) gate = fold_gate(head, w.in_proj, inner, dim);
    w.gate = gate.data();
  }
  return w;
}

// The special tokens with their positions [n, D], and the positions of the patches [M, D].
struct Positions {
  std::vector<float> special, patches;
};

// A class token's position is a row of pos_embed, in the order of the sequence; registers have a table of
// their own.
Positions read_positions(Reader& read, const DyvmConfig& c) {
  const int patches = c.patches(), dim = c.embed_dim;
  const SpecialTokens tokens = c.special_tokens(patches);
  const bool apart = c.registers > 0;
  const float* special = read("cls_token", {1, tokens.count, dim});
  const float* position = read("pos_embed", {1, apart ? patches : patches + 1, dim});
  const float* special_position = apart ? read("pos_embed_cls", {1, tokens.count, dim}) : nullptr;
  if (!read.status) return {};
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
  const int dim = c.embed_dim, patches = c.patches();
  Reader read(weights);
  Status& status = read.status;
  // Moves what a backend made into its place, or keeps its failure.
  const auto keep = [&](auto& place, auto made) {
    if (made)
      place = std::move(*made);
    else
      status = made.error();
  };
  const auto keep_linear = [&](std::unique_ptr<Linear>& place, const std::string& name, int outputs,
                               int inputs, bool biased = true) {
    const float* weight = read(name + ".weight", {outputs, inputs});
    const float* bias = biased ? read(name + ".bias", {outputs}) : nullptr;
    if (status) keep(place, backend_.make_linear(weight, bias, outputs, inputs));
  };

  PatchEmbeddingWeights embedding{
      .image_size = c.image_size,
      .patch_size = c.patch_size,
      .stride = c.stride,
      .embed_dim = dim,
      .special_tokens = c.special_tokens(patches),
      .weight = read("patch_embed.proj.weight", {dim, 3, c.patch_size, c.patch_size}),
      .bias = read("patch_embed.proj.bias", {dim}),
      .special = nullptr,
      .position = nullptr};
  const Positions positions = read_positions(read, c);
  embedding.special = positions.special.data();
  embedding.position = positions.patches.data();
  if (status) keep(embedding_, backend_.make_patch_embedding(embedding));

  for (int layer = 0; layer < c.depth && status; ++layer) {
    std::vector<float> gate;
    const BlockWeights block = read_block(read, c, layer, gate);
    if (status) keep(blocks_.emplace_back(), backend_.make_block(block));
  }

  struct Vector {
    float** place;
    const float* values;
    int length;
  };
  std::vector<Vector> vectors = {{&final_norm_, read("norm_f.weight", {dim}), dim}};
  predictors_.resize(c.pruning_layers.size());
  for (std::size_t stage = 0; stage < predictors_.size(); ++stage) {
    const std::string prefix = "score_predictors." + std::to_string(stage) + ".";
    ScorePredictor& predictor = predictors_[stage];
    vectors.push_back({&predictor.norm_weight, read(prefix + "in_conv.0.weight", {dim}), dim});
    vectors.push_back({&predictor.norm_bias, read(prefix + "in_conv.0.bias", {dim}), dim});
    keep_linear(predictor.in, prefix + "in_conv.1", dim, dim);
    keep_linear(predictor.out0, prefix + "out_conv.0", dim / 2, dim);
    keep_linear(predictor.out2, prefix + "out_conv.2", dim / 4, dim / 2);
    keep_linear(predictor.out4, prefix + "out_conv.4", 2, dim / 4);
  }
  if (c.registers > 0) {
    const int joined = c.head_inputs();
    keep_linear(neck_, "neck", c.register_dim(), dim, /*biased=*/false);
    vectors.push_back({&neck_norm_, read("norm_neck.weight", {joined}), joined});
  }
  keep_linear(head_, "head", c.classes, c.head_inputs());
  if (!status) return status;
  if (const Status complete = read.check_all_asked(); !complete) return complete;

  const Status placed = constants_.lay_out([&] {
    for (const auto& [place, values, length] : vectors) *place = constants_.take<float>({length}).data();
  });
  if (!placed) return placed;
  for (const auto& [place, values, length] : vectors) backend_.write(*place, values, length * sizeof(float));
  return ok();
}

}  // namespace winnow
