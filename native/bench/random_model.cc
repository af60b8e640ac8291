#include "bench/random_model.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "engine/engine.h"
#include "model/dyvm.h"

namespace winnow {
namespace {

class Generator {
 public:
  explicit Generator(Weights& weights) : weights_(weights) {}

  void normal(const std::string& name, Weights::Shape shape, double deviation) {
    std::normal_distribution<float> values(0.0f, static_cast<float>(deviation));
    add(name, std::move(shape), [&] { return values(random_); });
  }
  void constant(const std::string& name, Weights::Shape shape, float value) {
    add(name, std::move(shape), [&] { return value; });
  }
  template <typename Next>
  void add(const std::string& name, Weights::Shape shape, Next next) {
    std::size_t count = 1;
    for (std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
    std::vector<float> values(count);
    for (float& value : values) value = next();
    weights_.add(name, std::move(shape), std::move(values));
  }
  std::mt19937& random() { return random_; }

 private:
  Weights& weights_;
  std::mt19937 random_{20250404};
};

// Mamba's own initialisation (arXiv 2312.00752, section 3.6): A = -(1..N), step sizes log-uniform in 0.001 to
// 0.1.
void add_scan(Generator& g, const DyvmConfig& c, const std::string& mixer, bool backward) {
  const std::string suffix = backward ? "_b" : "";
  const int inner = c.inner_dim();
  g.normal(mixer + "conv1d" + suffix + ".weight", {inner, 1, c.conv_width}, 0.5);
  g.normal(mixer + "conv1d" + suffix + ".bias", {inner}, 0.1);
  g.normal(mixer + "x_proj" + suffix + ".weight", {c.dt_rank + 2 * c.state_dim, inner},
           1.0 / std::sqrt(inner));
  g.normal(mixer + "dt_proj" + suffix + ".weight", {inner, c.dt_rank}, 1.0 / std::sqrt(c.dt_rank));
  std::uniform_real_distribution<double> steps(std::log(0.001), std::log(0.1));
  g.add(mixer + "dt_proj" + suffix + ".bias", {inner},
        [&] { return static_cast<float>(std::log(std::expm1(std::exp(steps(g.random()))))); });
  int state = 0;
  g.add(mixer + (backward ? "A_b_log" : "A_log"), {inner, c.state_dim},
        [&] { return std::log(static_cast<float>(state++ % c.state_dim + 1)); });
  g.constant(mixer + "D" + suffix, {inner}, 1.0f);
}

void add_block(Generator& g, const DyvmConfig& c, const std::string& prefix) {
  const std::string mixer = prefix + "mixer.";
  const int inner = c.inner_dim(), dim = c.embed_dim;
  g.constant(prefix + "norm.weight", {dim}, 1.0f);
  g.normal(mixer + "in_proj.weight", {2 * inner, dim}, 1.0 / std::sqrt(dim));
  g.normal(mixer + "out_proj.weight", {dim, inner}, 0.5 / std::sqrt(inner));
  add_scan(g, c, mixer, false);
  add_scan(g, c, mixer, true);
  if (c.block_selection) {
    g.normal(mixer + "block_head.weight", {2, 2 * inner}, 1.0 / std::sqrt(2.0 * inner));
    g.constant(mixer + "block_head.bias", {2}, 0.0f);
  }
}

void add_predictor(Generator& g, const DyvmConfig& c, const std::string& prefix) {
  const int dim = c.embed_dim;
  const auto linear = [&](const std::string& name, int outputs, int inputs) {
    g.normal(prefix + name + ".weight", {outputs, inputs}, 1.0 / std::sqrt(inputs));
    g.constant(prefix + name + ".bias", {outputs}, 0.0f);
  };
  g.constant(prefix + "in_conv.0.weight", {dim}, 1.0f);
  g.constant(prefix + "in_conv.0.bias", {dim}, 0.0f);
  linear("in_conv.1", dim, dim);
  linear("out_conv.0", dim / 2, dim);
  linear("out_conv.2", dim / 4, dim / 2);
  linear("out_conv.4", 2, dim / 4);
}

void add_patch_embedding(Generator& g, const DyvmConfig& c, const std::string& prefix) {
  g.normal(prefix + "patch_embed.proj.weight", {c.embed_dim, 3, c.patch_size, c.patch_size},
           1.0 / std::sqrt(3.0 * c.patch_size * c.patch_size));
  g.constant(prefix + "patch_embed.proj.bias", {c.embed_dim}, 0.0f);
}

void add_layers(Generator& g, const DyvmConfig& c, const std::string& prefix) {
  for (int layer = 0; layer < c.depth; ++layer)
    add_block(g, c, prefix + "layers." + std::to_string(layer) + ".");
  for (std::size_t stage = 0; stage < c.pruning_layers.size(); ++stage)
    add_predictor(g, c, prefix + "score_predictors." + std::to_string(stage) + ".");
}

// Sets each bias to minus the (1 - keep) quantile of its logits [depth, count, 2].
void set_biases(Weights& weights, const DyvmConfig& c, const std::vector<float>& logits, int count,
                double keep, std::vector<float>& biases) {
  std::vector<float> sorted(count);
  for (int layer = 0; layer < c.depth; ++layer) {
    for (int direction = 0; direction < 2; ++direction) {
      float& bias = biases[2 * layer + direction];
      for (int b = 0; b < count; ++b)
        sorted[b] = logits[(static_cast<std::size_t>(layer) * count + b) * 2 + direction] - bias;
      std::sort(sorted.begin(), sorted.end());
      const int off = std::clamp(static_cast<int>(std::lround((1.0 - keep) * count)), 1, count - 1);
      const float spread = sorted.back() - sorted.front();
      // The special tokens of block 0 are the same for every picture: such a direction always runs.
      bias = spread < 1e-4f ? 1.0f - sorted[off] : -0.5f * (sorted[off - 1] + sorted[off]);
    }
    weights.add("layers." + std::to_string(layer) + ".mixer.block_head.bias", {2},
                {biases[2 * layer], biases[2 * layer + 1]});
  }
}

}  // namespace

DyvmConfig published_size(const std::string& name) {
  const std::string size = name.substr(0, 1);
  const bool dynamic = !name.ends_with("-full");
  DyvmConfig c;
  c.image_size = c.trained_size = 224;
  c.patch_size = c.stride = 16;
  c.embed_dim = size == "T" ? 192 : size == "S" ? 384 : 768;
  c.depth = 24;
  c.state_dim = 16;
  c.conv_width = 4;
  c.dt_rank = c.embed_dim / 16;
  c.classes = 1000;
  if (name.ends_with("-reg")) {
    c.registers = 12;
    c.register_reduction = std::max(2, c.embed_dim / 192);
  }
  c.block_selection = dynamic;
  if (dynamic) {
    c.pruning_layers = {6, 12, 18};
    const double keep = size == "T" ? 0.9 : 0.7;
    c.token_keep = {keep, keep * keep, keep * keep * keep};
  }
  const float mean[] = {0.485f, 0.456f, 0.406f}, std[] = {0.229f, 0.224f, 0.225f};
  std::copy_n(mean, 3, c.mean);
  std::copy_n(std, 3, c.std);
  return c;
}

void add_dense_backbone(Weights& weights, const DyvmConfig& c, const std::string& prefix) {
  Generator g(weights);
  add_patch_embedding(g, c, prefix);
  g.normal(prefix + "pos_embed", {1, c.patches(), c.embed_dim}, 0.1);
  add_layers(g, c, prefix);
}

Result<Weights> random_weights(const DyvmConfig& c, const std::vector<std::uint8_t>& pixels, int count,
                               double block_keep) {
  Weights weights;
  Generator g(weights);
  const int dim = c.embed_dim, special = c.special_tokens(c.patches()).count;
  add_patch_embedding(g, c, "");
  g.normal("cls_token", {1, special, dim}, 0.5);
  g.normal("pos_embed", {1, c.registers > 0 ? c.patches() : c.patches() + 1, dim}, 0.1);
  if (c.registers > 0) {
    g.normal("pos_embed_cls", {1, special, dim}, 0.1);
    g.normal("neck.weight", {c.register_dim(), dim}, 1.0 / std::sqrt(dim));
    g.constant("norm_neck.weight", {c.head_inputs()}, 1.0f);
  }
  add_layers(g, c, "");
  g.constant("norm_f.weight", {dim}, 1.0f);
  g.normal("head.weight", {c.classes, c.head_inputs()}, 1.0 / std::sqrt(c.head_inputs()));
  g.constant("head.bias", {c.classes}, 0.0f);
  if (!c.block_selection || count == 0) return weights;

  // A decision changes what later blocks see, so the biases are set several times, with the earlier ones in
  // force, and the share aimed at makes up for what the last round missed.
  constexpr int kRounds = 8;
  std::vector<float> biases(2ull * c.depth, 0.0f);
  double aim = block_keep;
  for (int round = 0; round < kRounds; ++round) {
    auto backend = make_backend("cpu", 0);
    if (!backend) return backend.error();
    auto model = DyvmModel::create(c, weights, **backend);
    if (!model) return model.error();
    DynamicOptions options;
    options.token_keep = c.token_keep;
    options.trace = true;
    Outputs outputs;
    const Status done = (*model)->predict(pixels.data(), count, options, outputs);
    if (!done) return done.error();
    if (round > 0) {
      double ran = 0.0;
      for (std::uint8_t directions : outputs.directions) ran += (directions & 1) + (directions >> 1);
      aim = std::clamp(aim + 0.7 * (block_keep - ran / (2.0 * outputs.directions.size())), 0.05, 0.98);
    }
    set_biases(weights, c, outputs.gate_logits, count, aim, biases);
  }
  return weights;
}

Status write_safetensors(Weights& weights, const std::string& path) {
  nlohmann::json header = nlohmann::json::object();
  std::vector<std::pair<const float*, std::size_t>> tensors;
  std::size_t offset = 0;
  for (const std::string& name : weights.names()) {
    const Weights::Shape shape = weights.shape(name);
    const auto values = weights.tensor(name, shape);
    if (!values) return values.error();
    std::size_t bytes = sizeof(float);
    for (std::int64_t extent : shape) bytes *= static_cast<std::size_t>(extent);
    header[name] = {{"dtype", "F32"}, {"shape", shape}, {"data_offsets", {offset, offset + bytes}}};
    tensors.emplace_back(*values, bytes);
    offset += bytes;
  }
  const std::string text = header.dump();
  const std::uint64_t size = text.size();
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&size), 8) << text;
  for (const auto& [values, bytes] : tensors)
    file.write(reinterpret_cast<const char*>(values), static_cast<std::streamsize>(bytes));
  file.close();
  if (file) return ok();
  return Error{ErrorCode::bad_argument, "Expected to write " + path + ", but it cannot be written."};
}

}  // namespace winnow
