#include "bench/random_model.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "bench/random_weights.h"
#include "engine/engine.h"
#include "model/dyvm.h"

namespace winnow {
namespace {

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
    c.family = find_family("mambareg");
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

Result<Weights> random_weights(const DyvmConfig& c, const std::vector<std::uint8_t>& pixels, int count,
                               double block_keep) {
  Weights weights = random_tensors(c);
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
